"""Occlusion: what a window is worth is what the score loses without it, as the tagger itself scores."""

import dataclasses

import numpy as np
import pytest
import torch

from ram.errors import InputError
from ram.images.opening import open_image
from ram.regions.occlusion import look_at_patches, occlusion_losses, occlusion_maps, window_sizes
from ram.regions.windows import RESOLUTION, Windows, side_of
from ram.tagger import Tagger
from tests.tiny import HashTextEncoder, tiny_bank, tiny_tagger, whole_config, whole_model


@pytest.fixture
def image():
    return open_image(np.random.default_rng(0).integers(0, 255, (60, 90, 3), np.uint8))


def lite_tagger(grid):
    """A tagger of a model with all parts, which averages its patches to a grid."""
    config = whole_config()
    config = dataclasses.replace(config, image=dataclasses.replace(config.image, size=160, grid=grid))
    return Tagger(config, whole_model(config=config), tiny_bank(), HashTextEncoder)


def test_a_window_is_worth_what_the_logit_loses_without_it(image):
    """Against patches that are removed by hand, for a model that averages them to no grid."""
    tagger = tiny_tagger()
    patches = look_at_patches(tagger, image)
    losses = occlusion_losses(tagger, patches, tagger.bank, Windows(2, 1))
    assert losses.shape == (3, 4)  # 2 x 2 windows of one patch
    whole = tagger.score_batch(tagger.look(image), tagger.bank).logits[0]
    for window in range(4):
        others = [index for index in range(4) if index != window]
        rest = tagger.score_batch(tagger.model.image_encoder.embed(patches[:, others]), tagger.bank).logits[0]
        np.testing.assert_allclose(losses[:, window], whole - rest, atol=1e-5)


def test_cells_of_a_grid_are_the_mean_of_the_patches_that_are_left(image):
    """Against a grid that is averaged by hand; a cell without patches is left out, and all terms count."""
    tagger = lite_tagger(grid=2)
    patches, encoder = look_at_patches(tagger, image), tagger.model.image_encoder
    windows = Windows(side_of(patches.shape[1], "lite"), 2)
    losses = occlusion_losses(tagger, patches, tagger.bank, windows)
    whole = tagger.score_batch(tagger.look(image), tagger.bank)
    assert set(whole.terms) == {"decoder", "pooled", "classifier"}
    square = patches[0].unflatten(0, (5, 5))
    for index, kept in enumerate(~windows.masks().unflatten(1, (5, 5))):
        halves = (slice(0, 3), slice(2, 5))  # of 5 patches, as adaptive pooling parts them
        cells = [(square[rows, columns], kept[rows, columns]) for rows in halves for columns in halves]
        tokens = torch.stack([patch[left].mean(dim=0) for patch, left in cells if left.any()])[None]
        expected = whole.logits[0] - tagger.score_batch(encoder.embed(tokens), tagger.bank).logits[0]
        np.testing.assert_allclose(losses[:, index], expected, atol=1e-4)


def test_only_cells_that_lose_some_of_their_patches_are_embedded_again(image, monkeypatch):
    """A cell that loses all of them is left out."""
    tagger, seen = lite_tagger(grid=5), []
    patches, embed = look_at_patches(tagger, image), tagger.model.image_encoder.embed
    monkeypatch.setattr(tagger.model.image_encoder, "embed", lambda cells: (seen.append(len(cells)), embed(cells))[1])
    losses = occlusion_losses(tagger, patches, tagger.bank, Windows(5, 2))
    assert seen == [25, 1, 16] and np.isfinite(losses).all() and losses.any(), "25 cells and 17 means of what is left"
    seen.clear()
    tagger.model.image_encoder.grid = 4  # cells of 2 x 2 patches, a row and a column of which they share
    occlusion_losses(tagger, patches, tagger.bank, Windows(5, 2))
    assert seen[0] == 16 and 16 < seen[2] < 16 * 16


def test_a_map_is_the_mean_over_windows_of_three_sizes(image):
    tagger = lite_tagger(grid=2)
    patches, bank = look_at_patches(tagger, image), tagger.bank.select(["dog", "cat"])
    assert [windows.width for windows in window_sizes(9)] == [2, 3, 4]
    sizes = window_sizes(5)
    assert [windows.width for windows in sizes] == [1, 2] and len(window_sizes(2)) == 1
    losses = [occlusion_losses(tagger, patches, bank, windows) for windows in sizes]
    maps = occlusion_maps(tagger, patches, bank)
    for index, one in enumerate(maps):
        small, large = (windows.spread(each)[index] for windows, each in zip(sizes, losses, strict=True))
        assert one.effects.shape == (RESOLUTION, RESOLUTION)
        np.testing.assert_allclose(one.effects, (small + large) / 2, atol=1e-6)
        assert one.greatest == pytest.approx(max(each[index].max() for each in losses))


def test_maps_of_tags_do_not_depend_on_each_other(image):
    tagger = tiny_tagger()
    patches = look_at_patches(tagger, image)
    together = occlusion_maps(tagger, patches, tagger.bank)
    (alone,) = occlusion_maps(tagger, patches, tagger.bank.select(["cat"]))
    np.testing.assert_allclose(alone.effects, together[1].effects, atol=1e-5)
    assert alone.greatest == pytest.approx(together[1].greatest, abs=1e-5)


def test_patches_are_those_that_the_tagger_looks_at(image):
    tagger = lite_tagger(grid=2)
    encoder = tagger.model.image_encoder
    features = encoder.embed(encoder.coarsen(look_at_patches(tagger, image)))
    torch.testing.assert_close(features.tokens, tagger.look(image).tokens)


def test_a_model_that_sees_one_piece_has_no_map():
    tagger = tiny_tagger()
    with pytest.raises(InputError, match="one piece"):
        occlusion_maps(tagger, torch.randn(1, 1, 8), tagger.bank)
    with pytest.raises(InputError, match="no square"):
        occlusion_maps(tagger, torch.randn(1, 5, 8), tagger.bank)
