"""The benchmark of thumbs measures on photos that have none, over what is annotated."""

import numpy as np
import pytest

from benchmarks import thumbs
from benchmarks.thumbs import f1, measure
from ram.library.thumb_learning import SLOPE


@pytest.fixture
def photos():
    """Logits and targets of four tags whose best threshold lies near a logit of 1."""
    generator = np.random.default_rng(0)
    logits = generator.normal(-2, 2.5, (600, 4))
    return logits, generator.random((600, 4)) < 1 / (1 + np.exp(-SLOPE * (logits - 1)))


def test_f1_counts_what_is_over_the_cut():
    logits, right = np.array([2.0, 1.0, -1.0, -2.0]), np.array([True, False, True, False])
    assert f1(logits, right, 0.0) == 0.5 and f1(logits, right, -1.5) == 0.8 and f1(logits, right, 3.0) == 0.0


def test_thumbs_help_a_threshold_that_is_far_off(photos):
    logits, targets = photos
    before, after = measure(logits, targets, np.ones_like(targets), [0.01] * 4)
    assert before < after[5][0] < after[20][0]
    assert all(0 <= fell <= 1 for _, fell in after.values())


def test_what_is_not_annotated_counts_nowhere(photos):
    logits, targets = photos
    known = np.ones_like(targets)
    known[::3] = False
    spoilt = np.where(known, targets, ~targets)
    assert measure(logits, targets, known, [0.5] * 4) == measure(logits, spoilt, known, [0.5] * 4)


def test_the_judged_half_is_never_the_tested_one(photos, monkeypatch):
    logits, targets = photos
    numbered = logits + np.arange(len(logits))[:, None] * 1e-9
    seen = []
    monkeypatch.setattr(thumbs, "shifted", lambda rows, right, threshold: seen.append(set(rows)) or threshold)
    monkeypatch.setattr(thumbs, "f1", lambda rows, right, cut: seen.append(set(rows)) or 0.0)
    monkeypatch.setattr(thumbs, "COUNTS", (20,))
    measure(numbered, targets, np.ones_like(targets), [0.5] * 4)
    for tested, judged, again in zip(seen[::3], seen[1::3], seen[2::3], strict=True):
        assert tested == again and len(judged) == 20 and not tested & judged
