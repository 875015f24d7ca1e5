"""Describer that runs a small language model on this machine."""
