"""One threshold for all tags: the best by hand, and by trying every threshold."""

import numpy as np
import pytest

from ram.evaluation.metrics import rates
from ram.evaluation.tuned_rates import MOST_CUTS, tuned_rates

SCORES = np.array([[0.9, 0.8], [0.7, 0.6], [0.5, 0.4], [0.3, 0.2]])
TARGETS = np.array([[1, 0], [0, 1], [1, 0], [0, 0]], dtype=bool)


def test_the_best_f1_is_found_by_hand():
    # over 0.6 - : first tag 1 of 2 right and 1 of 2 found, second 1 of 2 and 1 of 1: CP 1/2, CR 3/4
    # over 0.5 - : first tag 2 of 3 and 2 of 2, second still 1 of 2 and 1 of 1: CP 7/12, CR 1
    best = tuned_rates(SCORES, TARGETS)
    assert (best.rates.CP, best.rates.CR) == (pytest.approx(7 / 12), 1)
    assert 0.4 < best.threshold < 0.5 and best.goal == "f1"
    assert best.to_dict() == {"goal": "f1", "threshold": best.threshold, **best.rates.averages()}


def test_a_precision_is_reached_with_the_highest_recall():
    wanted = tuned_rates(SCORES, TARGETS, "precision=0.5")
    assert (wanted.rates.CP, wanted.rates.CR) == (pytest.approx(7 / 12), 1)
    out_of_reach = tuned_rates(SCORES, TARGETS, "precision=0.9").rates
    assert out_of_reach.CP == pytest.approx(7 / 12)  # the highest there is


@pytest.mark.parametrize("goal", ["f1", "precision=0.6"])
def test_no_threshold_at_a_score_is_better(goal):
    generator = np.random.default_rng(0)
    scores = generator.random((60, 5)).astype(np.float32)
    targets = generator.random((60, 5)) < 0.2 + 0.5 * scores
    known = generator.random((60, 5)) < 0.8
    tried = [rates(scores, targets, threshold, known) for threshold in [-1, *scores.flat]]
    best = tuned_rates(scores, targets, goal, known).rates
    if goal == "f1":
        assert best.CF1 == pytest.approx(max(one.CF1 for one in tried))
    else:
        assert best.CP >= 0.6 and best.CR == pytest.approx(max(one.CR for one in tried if one.CP >= 0.6))


def test_very_many_scores_are_thinned_out():
    generator = np.random.default_rng(0)
    scores = generator.random((3 * MOST_CUTS, 2))
    targets = scores + generator.normal(0, 0.2, scores.shape) > 0.5
    every = max(rates(scores, targets, threshold).CF1 for threshold in np.linspace(0, 1, 200))
    assert tuned_rates(scores, targets).rates.CF1 > every - 1e-3


def test_bad_input_gets_a_sentence():
    with pytest.raises(ValueError, match="'best' is no goal: give f1, or precision=0.8"):
        tuned_rates(SCORES, TARGETS, "best")
    with pytest.raises(ValueError, match="no tag has a positive"):
        tuned_rates(SCORES, np.zeros_like(TARGETS))
    with pytest.raises(ValueError, match=r"scores \(4, 2\) and targets \(2, 2\)"):
        tuned_rates(SCORES, TARGETS[:2])
