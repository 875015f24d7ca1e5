"""Thresholds from held-out pictures."""

import numpy as np
import pytest

from ram.evaluation.calibration import (
    best_f1_threshold,
    best_f_threshold,
    calibrate,
    calibrate_by_thumbs,
    parse_goal,
    precise_threshold,
    shared_threshold,
)


def f_at(threshold, scores, targets, beta):
    shown = scores > threshold
    return (1 + beta**2) * (shown & targets).sum() / (shown.sum() + beta**2 * targets.sum())


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_no_threshold_on_a_grid_beats_the_chosen_one(beta):
    rng = np.random.default_rng(0)
    for _ in range(20):
        targets = rng.random(60) < 0.3
        targets[0] = True
        scores = np.round(np.clip(rng.normal(0.4 + 0.2 * targets, 0.2), 0, 1), 2)  # with ties
        chosen = f_at(best_f_threshold(scores, targets, beta), scores, targets, beta)
        assert chosen == pytest.approx(max(f_at(t, scores, targets, beta) for t in np.linspace(-0.01, 1, 405)))


def test_a_tag_without_positives_gets_the_shared_threshold():
    scores = np.array([[0.9, 0.3], [0.8, 0.2], [0.1, 0.1]])
    targets = np.array([[True, False], [True, False], [False, False]])
    shared = best_f1_threshold(scores[:, 0], targets[:, 0])
    assert calibrate(scores, targets)[1] == pytest.approx(shared, abs=1e-3)


def test_a_tag_without_positives_may_keep_its_threshold():
    scores = np.array([[0.9, 0.3], [0.8, 0.99], [0.1, 0.1]])
    targets = np.array([[True, False], [True, False], [False, False]])
    assert shared_threshold(scores, targets) == best_f1_threshold(scores[:, 0], targets[:, 0])
    assert calibrate(scores, targets, kept=[0.7, 0.12345]).tolist() == [0.45, 0.12345]


def test_no_lower_threshold_is_precise_enough():
    rng = np.random.default_rng(0)
    for precision in (0.3, 0.5, 0.8, 1.0):
        targets = rng.random(60) < 0.4
        scores = np.round(np.clip(rng.normal(0.4 + 0.2 * targets, 0.2), 0, 1), 2)  # with ties
        chosen = precise_threshold(scores, targets, precision)
        grid = np.linspace(0, 1, 401)
        precise = [t for t in grid if (scores > t).any() and targets[scores > t].mean() >= precision]
        over = scores > chosen
        assert over.tolist() == (scores > min(precise, default=1.0)).tolist()
        assert not over.any() or targets[over].mean() >= precision


def test_where_no_threshold_is_precise_nothing_is_over_it():
    scores, targets = np.array([0.9, 0.8, 0.7]), np.array([False, True, False])
    assert precise_threshold(scores, targets, 0.6) == 0.9
    assert precise_threshold(scores, targets, 0.5) == pytest.approx(0.75)


def test_a_goal_is_f1_or_a_precision():
    assert parse_goal("f1") is best_f1_threshold
    scores, targets = np.array([0.9, 0.8, 0.7]), np.array([False, True, False])
    assert parse_goal("precision=0.5")(scores, targets) == pytest.approx(0.75)
    for text in ("recall=0.5", "precision", "precision=0", "precision=1.1", "precision=x", "precision=nan", "f1=1"):
        with pytest.raises(ValueError, match="give f1, or precision=0.8"):
            parse_goal(text)


def test_the_goal_chooses_own_and_shared_thresholds():
    scores = np.random.default_rng(0).random((200, 2))
    targets = np.random.default_rng(1).random((200, 2)) < scores
    goal = parse_goal("precision=0.8")
    own = [goal(scores[:, tag], targets[:, tag]) for tag in range(2)]
    assert calibrate(scores, targets, goal=goal, prior=0) == pytest.approx(own, abs=1e-3)
    shared = goal(scores.ravel(), targets.ravel())
    assert calibrate(scores, targets, goal=goal, prior=1e9) == pytest.approx([shared, shared], abs=1e-3)


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


def test_only_judged_decisions_count():
    rng = np.random.default_rng(0)
    scores, targets = rng.random((30, 4)), rng.random((30, 4)) < 0.4
    known = np.zeros_like(targets)
    known[:12] = True
    expected = calibrate(scores[:12], targets[:12], kept=np.full(4, 0.5))
    assert calibrate(scores, targets, kept=np.full(4, 0.5), known=known).tolist() == expected.tolist()


def test_thumbs_move_only_the_thresholds_that_they_contradict():
    scores = np.array([[0.9, 0.9, 0.3, 0.2], [0.1, 0.7, 0.9, 0.2]])
    thumbs = np.array([[1, -1, 1, 0], [-1, 1, 0, 0]])
    old = [0.5, 0.5, 0.5, 0.5]
    new = calibrate_by_thumbs(scores, thumbs, old)
    assert new[0] == new[3] == 0.5  # agrees with its thumbs; has none
    assert new[2] < 0.3  # was too strict for a picture that was approved
    assert new[1] == calibrate(scores, thumbs > 0, 1, kept=old, known=thumbs != 0)[1]


def test_thumbs_down_alone_raise_a_threshold_over_their_scores():
    scores = np.array([[0.71231], [0.6], [0.95]], np.float32)
    (new,) = calibrate_by_thumbs(scores, np.array([[-1], [-1], [0]]), [0.5])
    assert not (scores[:2, 0] > np.float32(new)).any() and scores[2, 0] > new
    assert new == pytest.approx(0.71231, abs=1e-4)


def test_without_thumbs_nothing_moves():
    assert calibrate_by_thumbs(np.ones((2, 2)), np.zeros((2, 2), int), [0.3, 1.0]).tolist() == [0.3, 1.0]
    assert calibrate_by_thumbs(np.ones((0, 2)), np.zeros((0, 2), int), [0.3, 1.0]).tolist() == [0.3, 1.0]
