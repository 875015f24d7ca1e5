"""Fixtures of the page's plain functions."""

import pytest

from tests.tiny import tiny_tagger


@pytest.fixture
def tagger():
    """A tiny tagger that counts in ``looks`` how often its image encoder ran."""
    made = tiny_tagger()
    made.looks = []
    made.model.image_encoder.register_forward_hook(lambda *_: made.looks.append(1))
    return made
