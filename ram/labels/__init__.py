"""Captions to tags, and tags to a label system: where the training labels come from."""
