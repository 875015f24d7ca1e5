"""Regions: boxes for tags, from the model's own evidence or from a detector, and files of them."""
