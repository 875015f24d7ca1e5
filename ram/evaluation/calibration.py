"""Thresholds from held-out pictures: for each tag the one with the best F1, steadied where positives are few."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PRIOR = 10
"""Weight of the threshold all tags share, in positives: a tag with 10 positives goes half its own way."""


def calibrate(scores: NDArray[np.floating], targets: NDArray[np.bool_], prior: float = PRIOR) -> NDArray[np.float64]:
    """Per-tag thresholds for the strict comparison ``score > threshold``.

    A tag's own best threshold rests on its few positives, so it is averaged with the one that is best for all tags
    together, weighted by ``positives : prior``; a tag without a positive gets the shared one.

    Args:
        scores: (pictures, tags) probabilities in 0..1.
        targets: (pictures, tags), what is true.
        prior: see :data:`PRIOR`.

    Returns:
        (tags,) thresholds in 0..1, rounded to three digits.

    Raises:
        ValueError: the shapes differ, or nothing is true.
    """
    if scores.shape != targets.shape or scores.ndim != 2:
        raise ValueError(f"scores {scores.shape} and targets {targets.shape} must be the same (pictures, tags)")
    if not targets.any():
        raise ValueError("no tag occurs in these pictures: thresholds need some positives")
    shared = best_f1_threshold(scores.ravel(), targets.ravel())
    positives = targets.sum(axis=0)
    own = np.array(
        [
            best_f1_threshold(scores[:, tag], targets[:, tag]) if positives[tag] else shared
            for tag in range(scores.shape[1])
        ]
    )
    return np.round((positives * own + prior * shared) / (positives + prior), 3)


def best_f1_threshold(scores: NDArray[np.floating], targets: NDArray[np.bool_]) -> float:
    """The threshold half-way between the two neighbouring scores where F1 is best; all (n,), some target true."""
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order].astype(np.float64), np.cumsum(targets[order])
    f1 = 2 * hits / (np.arange(1, len(ranked) + 1) + hits[-1])
    ties_with_next = np.append(ranked[:-1] == ranked[1:], False)
    last = int(np.argmax(np.where(ties_with_next, -1.0, f1)))
    below = ranked[last + 1] if last + 1 < len(ranked) else 0.0
    return float((ranked[last] + below) / 2)
