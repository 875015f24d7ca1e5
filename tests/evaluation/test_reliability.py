"""Reliability: probabilities that keep their word."""

import numpy as np
import pytest

from ram.evaluation.reliability import expected_calibration_error, fit_logistic


def decisions(n=40_000, scale=1.0, shift=0.0):
    """Logits of a model, and targets that are true with sigmoid(scale * logit + shift)."""
    generator = np.random.default_rng(0)
    logits = generator.normal(-2, 2, n)
    return logits, generator.random(n) < 1 / (1 + np.exp(-(scale * logits + shift)))


def test_an_honest_model_has_no_error_and_an_overconfident_one_has():
    logits, targets = decisions()
    assert expected_calibration_error(1 / (1 + np.exp(-logits)), targets) < 0.01
    assert expected_calibration_error(1 / (1 + np.exp(-logits - 2)), targets) > 0.1


def test_the_error_of_two_bins_is_weighed_by_their_decisions():
    probabilities = np.array([0.1, 0.1, 0.1, 0.9])
    assert expected_calibration_error(probabilities, np.array([0, 0, 0, 0], bool), 2) == pytest.approx(0.3)


def test_scale_and_shift_are_found_again():
    logits, targets = decisions(scale=0.5, shift=1.0)
    (scale,), shift = fit_logistic(logits[:, None], targets)
    assert scale == pytest.approx(0.5, abs=0.03) and shift == pytest.approx(1.0, abs=0.06)


def test_a_term_gets_the_weight_with_which_it_made_the_targets():
    generator = np.random.default_rng(0)
    terms = generator.normal(0, 1, (60_000, 3))
    targets = generator.random(len(terms)) < 1 / (1 + np.exp(-(2 * terms[:, 0] + 0.5 * terms[:, 1] - 1)))
    weights, shift = fit_logistic(terms, targets)
    assert weights == pytest.approx([2, 0.5, 0], abs=0.06) and shift == pytest.approx(-1, abs=0.06)


def test_a_model_that_ranks_backwards_is_refused():
    logits, targets = decisions()
    with pytest.raises(ValueError, match="learned nothing"):
        fit_logistic(-logits[:, None], targets)
    with pytest.raises(ValueError, match="not"):
        fit_logistic(logits[:, None], np.zeros(len(logits), bool))


def test_a_fit_is_found_where_most_decisions_are_far_from_the_middle():
    """Newton's whole first step would go beyond all bounds here."""
    rng = np.random.default_rng(0)
    logits = np.concatenate([np.full(5000, -9.2), rng.normal(-3, 3, 300)])
    targets = rng.random(len(logits)) < 1 / (1 + np.exp(-1.2 * logits - 1.5))
    (scale,), shift = fit_logistic(logits[:, None], targets)
    assert scale == pytest.approx(1.2, abs=0.2)
    assert shift == pytest.approx(1.5, abs=0.5)
