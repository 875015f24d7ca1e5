"""Offline describer and its word lists."""
