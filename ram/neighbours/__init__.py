"""Adapters to other programs, one a module. Each is imported only by those who use it, with the other program."""
