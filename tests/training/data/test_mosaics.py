"""Mosaics: two images on one canvas, with the tags of both."""

import pytest
import torch

from ram.training.data.mosaics import Mosaic


def test_half_of_a_canvas_shows_the_mean_of_one_image():
    patches = torch.arange(6.0)[:, None, None].expand(6, 16, 2).clone()
    joined = Mosaic(2, torch.tensor([False, True])).join_patches(patches)
    assert joined.shape == (4, 16, 2)
    beside, above = joined[0, :, 0].reshape(4, 4), joined[1, :, 0].reshape(4, 4)
    assert beside.tolist() == [[0, 0, 1, 1]] * 4
    assert above.tolist() == [[2] * 4] * 2 + [[3] * 4] * 2
    assert torch.equal(joined[2:], patches[4:])


def test_the_mean_patch_of_a_mosaic_is_that_of_both_images():
    patches = torch.randn(2, 16, 3)
    for stacked in (False, True):
        joined = Mosaic(1, torch.tensor([stacked])).join_patches(patches)
        assert torch.allclose(joined.mean(dim=1)[0], patches.mean(dim=(0, 1)), atol=1e-6)


def test_absence_must_be_known_of_both_images():
    targets = torch.tensor([[1, 0, 0], [0, 0, 0], [0, 1, 0]]).bool()
    known = torch.tensor([[1, 1, 1], [0, 1, 0], [1, 1, 0]]).bool()
    there, certain = Mosaic(1, torch.tensor([True])).join_tags(targets, known)
    assert there.tolist() == [[True, False, False], [False, True, False]]
    assert certain.tolist() == [[True, True, False], [True, True, False]]


def test_every_image_is_found_in_its_row():
    mosaic = Mosaic(2, torch.tensor([False, False]))
    assert mosaic.owners(6).tolist() == [0, 0, 1, 1, 2, 3]
    assert mosaic.leave_out(torch.arange(1.0, 7.0)).tolist() == [0, 0, 5, 6]


def test_a_share_of_zero_joins_nothing_and_draws_nothing():
    generator = torch.Generator().manual_seed(3)
    state = generator.get_state()
    mosaic = Mosaic.draw(8, 0.0, generator)
    patches = torch.randn(8, 9, 2)
    assert mosaic.pairs == 0 and torch.equal(mosaic.join_patches(patches), patches)
    assert torch.equal(generator.get_state(), state)


def test_an_odd_grid_is_refused():
    with pytest.raises(ValueError, match="even side"):
        Mosaic(1, torch.tensor([True])).join_patches(torch.randn(2, 9, 2))
