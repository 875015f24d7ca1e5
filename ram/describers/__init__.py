"""Describers write what a tag looks like: offline from a lexicon or templates, or by a language model."""
