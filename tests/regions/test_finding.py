"""Boxes around evidence: maps drawn by hand, and a tagger that is shown a photo."""

import numpy as np
import pytest
import torch

import ram
from ram.errors import InputError
from ram.images.opening import open_image
from ram.regions.evidence_maps import evidence_maps
from ram.regions.finding import box_of, find_regions
from ram.regions.region import Region, as_array, overlap
from ram.regions.windows import RESOLUTION, Windows
from tests.paths import ROOT
from tests.tiny import tiny_tagger


def test_a_box_holds_the_connected_part_with_the_peak():
    drawn = np.zeros((4, 8))
    drawn[1:3, 2:5] = 0.8
    drawn[2, 3] = 1.0
    drawn[0, 7] = 0.9  # apart from the peak
    assert box_of(drawn, 0.5) == (2 / 8, 1 / 4, 5 / 8, 3 / 4)
    assert box_of(drawn, 0.95) == (3 / 8, 2 / 4, 4 / 8, 3 / 4)
    assert box_of(np.ones((2, 2))) == (0, 0, 1, 1)


def test_windows_hold_neighbouring_patches():
    windows = Windows(3, 2).masks().reshape(4, 3, 3)
    assert windows.sum(dim=(1, 2)).tolist() == [4] * 4
    assert windows[1].tolist() == [[False, True, True], [False, True, True], [False] * 3]


def test_a_window_has_its_value_in_its_middle():
    logits = np.zeros((1, 49), np.float32)
    logits[0, 7 * 5 + 1] = 1  # the window over rows 5 to 7 and columns 1 to 3 of 9
    row, column = divmod(int(Windows(9, 3).spread(logits)[0].argmax()), RESOLUTION)
    assert (row + 0.5) / RESOLUTION == pytest.approx(6.5 / 9, abs=0.03)
    assert (column + 0.5) / RESOLUTION == pytest.approx(2.5 / 9, abs=0.03)


def test_maps_of_tags_do_not_depend_on_each_other():
    tagger = tiny_tagger()
    pixels = torch.randn(1, 3, 128, 128)
    together = evidence_maps(tagger, pixels, tagger.bank)
    assert together.shape == (3, RESOLUTION, RESOLUTION)
    assert np.allclose(together.mean(axis=(1, 2)), 0, atol=1e-3)
    alone = evidence_maps(tagger, pixels, tagger.bank.select(["cat"]))
    np.testing.assert_allclose(alone[0], together[1], atol=0.05)  # a map is scaled to deviation 1


def test_the_decoder_is_asked_what_the_map_says():
    tagger = tiny_tagger()
    encoder, pixels = tagger.model.image_encoder, torch.randn(1, 3, 128, 128)
    patches = encoder.patches(pixels)
    side = int(patches.shape[1] ** 0.5)
    width = max(round(side / 3), 1)
    grid = patches.unflatten(1, (side, side))
    corner = encoder.embed(grid[:, :width, :width].flatten(1, 2))
    expected = tagger.score_batch(corner, tagger.bank).terms["decoder"][0]
    from ram.regions.evidence_maps import _logits

    found = _logits(tagger, patches.detach(), Windows(side, width).masks(), tagger.bank)
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-5)


def test_a_model_that_sees_one_piece_is_refused():
    tagger = tiny_tagger()
    with pytest.raises(InputError, match="one piece"):
        evidence_maps(tagger, torch.randn(1, 3, 32, 32), tagger.bank)


@pytest.mark.slow
def test_a_dog_on_one_side_of_a_photo_is_found_there():
    tagger = ram.load("ram-plus-lite", device="cpu", dtype="float32")
    dog = open_image(ROOT / "assets" / "examples" / "dogs.jpg").resize((200, 200))
    for left in (0, 400):
        photo = open_image(np.full((200, 600, 3), 200, np.uint8))
        photo.paste(dog, (left, 0))
        (region,) = find_regions(tagger, photo, tagger.bank.select(["dog"]), 0.1)
        assert region.tag == "dog" and region.center[0] < 0.5 if left == 0 else region.center[0] > 0.5
    assert find_regions(tagger, photo, tagger.bank.select(["dog"]), 1.0) == []


@pytest.mark.parametrize("box", [(0, 0, 0, 1), (0.5, 0, 0.4, 1), (-0.1, 0, 1, 1), (0, 0, 1, 1.01)])
def test_a_box_without_area_or_outside_is_refused(box):
    with pytest.raises(ValueError, match="a box is"):
        Region("dog", 0.5, box)


def test_boxes_in_pixels_and_their_overlap():
    region = Region("dog", 0.5, (0.25, 0.5, 0.75, 1))
    assert region.pixels(40, 20) == (10, 10, 30, 20) and region.center == (0.5, 0.75)
    assert as_array([region], 40, 20).tolist() == [[10, 10, 30, 20]] and as_array([], 1, 1).shape == (0, 4)
    assert overlap((0, 0, 1, 1), (0, 0, 0.5, 1)) == 0.5 and overlap((0, 0, 0.5, 1), (0.5, 0, 1, 1)) == 0
