"""The benchmark of libraries repeats looks as it says, and measures against the exact ranking."""

import numpy as np
import pytest
import torch

from benchmarks import library
from benchmarks.library import repeated, times
from ram.library.looks import LookShape, LookStore
from ram.models.image_encoder import ImageFeatures
from ram.tagger import Tagger
from tests.tiny import HashTextEncoder, tiny_bank, tiny_pixels, whole_config, whole_model


@pytest.fixture
def features():
    tokens = torch.nn.functional.layer_norm(torch.randn(5, 2, 16), (16,))
    return ImageFeatures(tokens, class_probabilities=torch.rand(5, 7))


def test_repeated_looks_are_near_to_their_own(features, tmp_path):
    store = LookStore(tmp_path, LookShape.of(features))
    repeated(features, store, 12)
    back = store.features(np.arange(12)).tokens
    assert (back[:5] - features.tokens).abs().max() < 0.05
    again = back[5:10] - features.tokens
    assert 0.03 < again.std() < 0.3 and not torch.equal(back[5], back[10])


def test_the_shortlist_is_compared_with_the_exact_ranking(features, tmp_path, monkeypatch):
    tagger = Tagger(whole_config(), whole_model(), tiny_bank(), HashTextEncoder)
    looks = tagger.look_at_pixels(tiny_pixels(5))
    store = LookStore(tmp_path, LookShape.of(looks))
    repeated(looks, store, 40)
    monkeypatch.setattr(library, "TOP", 10)
    monkeypatch.setattr(library, "CATEGORIES", ("kite", "corgi"))
    monkeypatch.setattr(library, "SHORTLIST", 40)
    assert "the shortlist holds 100.0 % (kite 100, corgi 100)" in "\n".join(times(tagger, store, 40))
    monkeypatch.setattr(library, "SHORTLIST", 4)
    assert "holds 100.0 %" not in "\n".join(times(tagger, store, 40))
