"""Looks on disk: small, near to what they were, and whole after a stop."""

import dataclasses

import numpy as np
import pytest
import torch

from ram.library.looks import LookShape, LookStore, factored, multiplied, quantized, restored
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


def test_a_small_look_is_a_token_after_another_in_each_row(tmp_path):
    features = looks(2)
    LookStore(tmp_path, LookShape.of(features)).write(0, features)
    codes, scales = quantized(features.tokens)
    for name, part in (("pooled", slice(0, 1)), ("patches", slice(1, None))):
        rows = [codes[photo, part].tobytes() + scales[photo, part].tobytes() for photo in range(2)]
        assert (tmp_path / f"{name}.looks").read_bytes() == b"".join(rows)


@pytest.mark.parametrize(("tokens", "dim", "classes"), [(145, 512, None), (82, 384, 1000), (4097, 512, None)])
def test_no_look_takes_more_than_25_kilobytes(tokens, dim, classes, tmp_path):
    features = ImageFeatures(torch.randn(2, tokens, dim), None, None if classes is None else torch.rand(2, classes))
    shape = LookShape.of(features)
    assert shape.nbytes <= 25_000 < dataclasses.replace(shape, rank=shape.rank + 1).nbytes
    LookStore(tmp_path, shape).write(0, features)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) == 2 * shape.nbytes


def test_a_product_is_nearly_the_best_of_its_rank():
    tokens = torch.randn(3, 60, 20) @ torch.diag(0.8 ** torch.arange(40.0))[:20] @ torch.randn(40, 40) + 2
    left, right, scales = factored(tokens.half(), 8)
    assert left.shape == (3, 8, 60) and right.shape == (3, 8, 40) and scales.shape == (3, 8)
    for found, exact in zip(multiplied(left, right, scales).numpy(), tokens.numpy(), strict=True):
        best = np.sqrt((np.linalg.svd(exact, compute_uv=False)[8:] ** 2).sum())
        assert best <= np.linalg.norm(found - exact) * 1.001
        assert np.linalg.norm(found - exact) <= best + 0.02 * np.linalg.norm(exact)


def test_a_product_of_full_rank_loses_the_rounding_alone():
    tokens = torch.stack([torch.randn(12, 16), torch.zeros(12, 16), torch.ones(12, 16)])
    torch.testing.assert_close(multiplied(*factored(tokens, 12)), tokens, atol=0.1, rtol=0)


def test_large_looks_come_back_in_any_order(tmp_path):
    features = ImageFeatures(torch.randn(5, 3, 512).repeat_interleave(50, dim=1)[:, :145])  # of rank 3
    store = LookStore(tmp_path, LookShape.of(features))
    store.write(0, features.rows(slice(0, 3)))
    store.write(3, features.rows(slice(3, 5)))
    back = store.features([4, 0])
    assert (back.tokens - features.tokens[[4, 0]]).abs().max() < 0.1
    assert torch.equal(store.features([4, 0], patches=False).tokens, back.tokens[:, :1])
    whole = (tmp_path / "patches.looks").read_bytes()
    store.write(3, features.rows(slice(3, 4)))
    store.write(4, features.rows(slice(4, 5)))
    assert (tmp_path / "patches.looks").read_bytes() == whole, "the bytes of a look depend on no other"


@pytest.mark.slow
def test_a_look_of_the_shipped_model_takes_at_most_25_kilobytes():
    tagger = load("ram-plus-lite")
    size = tagger.config.image.size
    shape = LookShape.of(tagger.look_at_pixels(torch.zeros(1, 3, size, size)))
    assert shape == LookShape(81, 384, 1000, rank=50) and shape.nbytes <= 25_000
