"""Drawn pictures are repeatable, and the area under the curve is that of its definition."""

import json

import numpy as np
import pytest

from benchmarks.development_sets import FILES
from benchmarks.drawn_pictures import KINDS
from benchmarks.unlike import area_under_roc, development_photos


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_draws_the_same_picture_again_and_another_another(kind):
    first, again, other = (np.asarray(KINDS[kind](seed)) for seed in (3, 3, 4))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert first.ndim == 3 and np.ptp(first) > 0


def test_the_area_is_the_share_of_pairs_in_the_right_order():
    low, high = np.float32([1, 2, 3]), np.float32([2, 4])
    pairs = [(1.0 if a < b else 0.5 if a == b else 0.0) for a in low for b in high]
    assert area_under_roc(low, high) == pytest.approx(sum(pairs) / len(pairs))
    assert area_under_roc(high + 9, low) == 0


def test_paintings_are_no_development_photos(tmp_path):
    for name in FILES:
        entries = [{"image_path": f"{folder}/{i}.jpg"} for i in range(3) for folder in ("houses", "pacs")]
        (tmp_path / f"{name}.json").write_text(json.dumps(entries))
    photos = development_photos(tmp_path)
    assert [photo.name for photo in photos] == ["0.jpg", "1.jpg", "2.jpg"] * len(FILES)
    assert all(photo.parent.name == "houses" for photo in photos)
    assert development_photos(tmp_path, every=2) == photos[::2]
