"""The page: what its controls do, how that looks, and the wiring in between."""
