"""Reliability: whether of all decisions given 0.7 seven in ten are true, and a scale and shift that make it so."""

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


def fit_scale_and_shift(
    logits: NDArray[np.floating], targets: NDArray[np.bool_], steps: int = 50
) -> tuple[float, float]:
    """The ``scale`` and ``shift`` with which ``sigmoid(scale * logit + shift)`` fits the targets best (Platt 1999).

    Newton's method on the cross entropy; ``scale`` stays positive, so that no ranking changes.

    Args:
        logits, targets: (n,), some of the targets true and some not.
        steps: most iterations.

    Raises:
        ValueError: all targets are the same, or higher logits are less often true.
    """
    if targets.all() or not targets.any():
        raise ValueError("scale and shift need decisions that are true and decisions that are not")
    x = np.stack([logits.astype(np.float64), np.ones(len(logits))], axis=1)
    prior = targets.mean()
    solution = np.array([0.0, np.log(prior / (1 - prior))])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-(x @ solution)))
        gradient = x.T @ (p - targets)
        curvature = (x * (p * (1 - p))[:, None]).T @ x + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        solution -= step
        if np.abs(step).max() < 1e-8:
            break
    if solution[0] <= 0:
        raise ValueError("higher logits are less often true: the model has learned nothing of these decisions")
    return float(solution[0]), float(solution[1])
