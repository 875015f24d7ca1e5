"""Measurements of the papers' tables at lite scale, over features that are computed once."""
