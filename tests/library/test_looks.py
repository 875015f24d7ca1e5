"""Looks on disk: small, near to what they were, and whole after a stop."""

import numpy as np
import pytest
import torch

from ram.library.looks import LookShape, LookStore, quantized, restored
from ram.models.image_encoder import ImageFeatures
from ram.tagger_loading import load
from tests.tiny import tiny_pixels, whole_model


def looks(count=6, seed=1):
    return whole_model().eval().look(tiny_pixels(count, seed)).map(torch.Tensor.detach)


def test_codes_are_within_half_a_step_of_each_token():
    tokens = torch.randn(3, 5, 16) * torch.tensor([0.0, 1e-3, 1, 50, 1e4])[None, :, None]
    codes, scales = quantized(tokens)
    assert codes.dtype == np.int8 and codes.min() >= -127
    assert ((restored(codes, scales) - tokens).abs() <= torch.from_numpy(scales)[..., None] * 0.501).all()


def test_looks_come_back_in_any_order(tmp_path):
    features = looks()
    store = LookStore(tmp_path, LookShape.of(features))
    store.write(0, features.rows(slice(0, 4)))
    store.write(4, features.rows(slice(4, 6)))
    back = store.features([5, 0, 3])
    step = features.tokens.abs().amax(dim=-1, keepdim=True)[[5, 0, 3]] / 127
    assert ((back.tokens - features.tokens[[5, 0, 3]]).abs() <= step).all()
    torch.testing.assert_close(back.class_probabilities, features.class_probabilities[[5, 0, 3]], atol=0.005, rtol=0)
    assert torch.equal(store.features([5, 0, 3], patches=False).tokens, back.tokens[:, :1])
    expected = torch.nn.functional.normalize(features.pooled, dim=-1)
    for rows in (np.arange(6), np.array([1, 4])):
        unit = torch.nn.functional.normalize(store.pooled(rows), dim=-1)
        torch.testing.assert_close(unit, expected[rows], atol=0.02, rtol=0)


def test_what_a_stop_left_is_replaced(tmp_path):
    features = looks()
    store = LookStore(tmp_path, LookShape.of(features))
    store.write(0, features.rows(slice(0, 2)))
    with open(tmp_path / "patches.looks", "ab") as file:
        file.write(b"half of a look")
    store.write(2, features.rows(slice(3, 4)))
    whole = LookStore(tmp_path, store.shape).features([0, 1, 2])
    assert (whole.tokens - features.tokens[[0, 1, 3]]).abs().max() < 0.1


def test_looks_without_classes_and_in_half_precision(tmp_path):
    features = ImageFeatures(looks().tokens.half())
    store = LookStore(tmp_path, LookShape.of(features))
    store.write(0, features)
    back = store.features([2])
    assert back.class_probabilities is None and back.tokens.dtype == torch.float32


@pytest.mark.slow
def test_a_look_of_the_shipped_model_takes_8_kilobytes():
    tagger = load("ram-plus-lite")
    size = tagger.config.image.size
    shape = LookShape.of(tagger.look_at_pixels(torch.zeros(1, 3, size, size)))
    assert shape == LookShape(16, 384, 1000) and shape.nbytes < 8_000
