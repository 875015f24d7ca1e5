"""Reliability: whether of all decisions given 0.7 seven in ten are true, and the weights that make it so."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BINS = 15


def expected_calibration_error(
    probabilities: NDArray[np.floating], targets: NDArray[np.bool_], bins: int = BINS
) -> float:
    """Mean distance between probability and share of true decisions, over bins of equal width (Guo et al. 2017).

    Args:
        probabilities: (n,) in 0..1.
        targets: (n,) what is true.
        bins: number of bins; each counts by its decisions.

    Raises:
        ValueError: there are no decisions, or the shapes differ.
    """
    if probabilities.shape != targets.shape or probabilities.ndim != 1 or not len(targets):
        raise ValueError(f"probabilities {probabilities.shape} and targets {targets.shape} must be one (n,), n > 0")
    index = np.minimum((probabilities * bins).astype(int), bins - 1)
    count = np.bincount(index, minlength=bins)
    filled = count > 0
    mean = np.bincount(index, probabilities, bins)[filled] / count[filled]
    share = np.bincount(index, targets, bins)[filled] / count[filled]
    return float((np.abs(mean - share) * count[filled]).sum() / len(targets))


def fit_logistic(
    features: NDArray[np.floating], targets: NDArray[np.bool_], steps: int = 50
) -> tuple[NDArray[np.float64], float]:
    """The weights and the shift with which ``sigmoid(features @ weights + shift)`` fits the targets best.

    Newton's method on the cross entropy. With logits as the only feature it is Platt scaling (Platt 1999), and no
    ranking changes.

    Args:
        features: (n, features); the first one is the logit that the others join.
        targets: (n,), some of them true and some not.
        steps: most iterations.

    Returns:
        (features,) weights and the shift.

    Raises:
        ValueError: all targets are the same, or higher logits are less often true.
    """
    if targets.all() or not targets.any():
        raise ValueError("weights and shift need decisions that are true and decisions that are not")
    x = np.column_stack([features.astype(np.float64), np.ones(len(features))])
    prior = targets.mean()
    solution = np.zeros(x.shape[1])
    solution[-1] = np.log(prior / (1 - prior))
    signs = np.where(targets, -1.0, 1.0)

    def cross_entropy(solution: NDArray[np.float64]) -> float:
        return float(np.logaddexp(0, signs * (x @ solution)).mean())

    for _ in range(steps):
        p = 0.5 * (1 + np.tanh(x @ solution / 2))
        gradient = x.T @ (p - targets)
        curvature = (x * (p * (1 - p))[:, None]).T @ x + 1e-9 * np.eye(x.shape[1])
        step = np.linalg.solve(curvature, gradient)
        before = cross_entropy(solution)
        while np.abs(step).max() > 1e-8 and cross_entropy(solution - step) > before:
            step /= 2  # a whole step goes too far where few decisions are near the middle
        if np.abs(step).max() <= 1e-8:
            break
        solution = solution - step
    if solution[0] <= 0:
        raise ValueError("higher logits are less often true: the model has learned nothing of these decisions")
    return solution[:-1], float(solution[-1])
