"""Where an image shows a tag: the tag's logit in windows that slide over the backbone's own patches."""
