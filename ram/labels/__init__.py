"""Captions to tags, and tags to a label system: the source of the training labels."""
