"""Thresholds from held-out pictures."""

import numpy as np
import pytest

from ram.evaluation.calibration import best_f1_threshold, calibrate


def f1_at(threshold, scores, targets):
    shown = scores > threshold
    return 2 * (shown & targets).sum() / (shown.sum() + targets.sum())


def test_no_threshold_on_a_grid_beats_the_chosen_one():
    rng = np.random.default_rng(0)
    for _ in range(20):
        targets = rng.random(60) < 0.3
        targets[0] = True
        scores = np.round(np.clip(rng.normal(0.4 + 0.2 * targets, 0.2), 0, 1), 2)  # with ties
        chosen = f1_at(best_f1_threshold(scores, targets), scores, targets)
        assert chosen == pytest.approx(max(f1_at(t, scores, targets) for t in np.linspace(-0.01, 1, 405)))


def test_a_tag_without_positives_gets_the_shared_threshold():
    scores = np.array([[0.9, 0.3], [0.8, 0.2], [0.1, 0.1]])
    targets = np.array([[True, False], [True, False], [False, False]])
    shared = best_f1_threshold(scores.ravel(), targets.ravel())
    assert calibrate(scores, targets)[1] == pytest.approx(shared, abs=1e-3)


def test_many_positives_outweigh_the_shared_threshold():
    scores = np.concatenate([np.linspace(0.6, 0.9, 500), np.linspace(0.0, 0.4, 500)])[:, None]
    wide = np.hstack([scores, scores * 0.2])
    targets = np.repeat([[True, True], [False, False]], 500, axis=0)
    few, many = calibrate(wide, targets, prior=1e9), calibrate(wide, targets, prior=0)
    assert few[0] == few[1]
    assert many == pytest.approx([0.5, 0.1], abs=1e-3)


def test_pictures_without_any_tag_are_refused():
    with pytest.raises(ValueError, match="some positives"):
        calibrate(np.zeros((2, 3)), np.zeros((2, 3), bool))
