"""The offline describer and its word lists."""
