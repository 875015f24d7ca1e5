"""Regions as fractions of an image, and those around the brightest patch of a map."""

import numpy as np
import pytest
from PIL import Image

from ram.regions.region import WHOLE, Box
from ram.training.data_engine.detectors import AttentionDetector
from tests.tiny import tiny_tagger

PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (30, 40, 3), np.uint8))


def test_a_box_is_cut_out():
    assert WHOLE.crop(PICTURE).size == (40, 30)
    cut = Box(0.25, 0.5, 0.75, 1.0).crop(PICTURE)
    np.testing.assert_array_equal(np.asarray(cut), np.asarray(PICTURE)[15:, 10:30])
    assert Box(1.0, 1.0, 1.0, 1.0).crop(PICTURE).size == (1, 1)


def test_maps_of_many_tags_are_those_of_each_alone():
    tagger = tiny_tagger()
    features = tagger.look(PICTURE)
    maps = tagger.attention(features, tagger.bank)
    for tag, each in zip(tagger.bank.vocabulary.tags, maps, strict=True):
        np.testing.assert_allclose(each, tagger.explain(features, tagger.bank, tag).attention, atol=1e-6)


@pytest.mark.parametrize(
    "bright, margin, box",
    [
        ({(1, 1): 0.4, (1, 2): 0.2, (3, 3): 0.3}, 0.0, (0.25, 0.25, 0.75, 0.5)),
        ({(1, 1): 0.4, (1, 2): 0.1, (0, 1): 0.3}, 0.0, (0.25, 0.0, 0.5, 0.5)),
        ({(3, 0): 0.4}, 1.0, (0.0, 0.5, 0.5, 1.0)),
    ],
)
def test_the_region_surrounds_the_brightest_patch(monkeypatch, bright, margin, box):
    effects = np.zeros((4, 4), np.float32)
    for cell, value in bright.items():
        effects[cell] = value
    tagger = tiny_tagger()
    monkeypatch.setattr(tagger, "attention", lambda features, bank: np.stack([effects] * len(bank)))
    assert AttentionDetector(tagger, 0.5, margin).regions(PICTURE, ["cat", "dog"]) == [(Box(*box),)] * 2
