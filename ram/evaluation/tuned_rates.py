"""Precision and recall at one threshold for all tags, chosen so that models can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ram.errors import InputError
from ram.evaluation.calibration import goal_precision
from ram.evaluation.metrics import Floats, Rates, rates

MOST_CUTS = 2000
"""Thresholds that are tried: all scores of positives where there are fewer, otherwise their quantiles."""


@dataclass(frozen=True, eq=False)
class TunedRates:
    """Precision and recall at a chosen threshold.

    Args:
        goal: "f1" or "precision=0.8".
        threshold: what a score had to exceed, the same for all tags.
        rates: precision and recall, per tag and averaged.
    """

    goal: str
    threshold: float
    rates: Rates

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"goal": self.goal, "threshold": self.threshold, **self.rates.averages()}


def tuned_rates(
    scores: ArrayLike, targets: ArrayLike, goal: str = "f1", known: ArrayLike | None = None
) -> TunedRates:
    """Choose one threshold for all tags on the measured images themselves, and give the rates there.

    The papers adjust the threshold of each model by hand until the models are comparable (RAM, Table 3; RAM++, Table
    8). Here a goal chooses it: the best CF1, or the best CR among the thresholds whose CP is at least a precision,
    such as that of another row of the table. If no threshold is that precise, the one with the highest CP is taken.
    The rates are optimistic, as every rate at a threshold that was chosen on the test images.

    Args:
        scores: (images, tags), any monotonic scale.
        targets: (images, tags), true where the image has the tag.
        goal: "f1" or "precision=0.8".
        known: (images, tags), false where no decision counts; all are known where None.

    Raises:
        InputError: ``goal`` is neither, or no tag has a positive.
        ValueError: the shapes differ, or a score is NaN.
    """
    precision = goal_precision(goal)
    scores, targets = np.asarray(scores), np.asarray(targets).astype(bool)
    scores = scores if scores.dtype.kind == "f" else scores.astype(np.float64)
    if scores.shape != targets.shape:
        raise ValueError(f"scores {scores.shape} and targets {targets.shape} must both be (pictures, tags)")
    judged = np.ones_like(targets) if known is None else np.asarray(known).astype(bool)
    thresholds = _cuts(scores[targets & judged])
    cp, cr = _averages(scores, targets, judged, thresholds)
    if precision is None:
        best = int(np.argmax(cp * cr / np.maximum(cp + cr, np.finfo(float).tiny)))
    else:
        precise = cp >= precision
        best = int(np.argmax(np.where(precise, cr, -1.0) if precise.any() else cp))
    return TunedRates(goal, float(thresholds[best]), rates(scores, targets, thresholds[best], known))


def _cuts(positives: NDArray) -> NDArray:
    """Thresholds just below the scores of positives: only there precision and recall can be best."""
    if not positives.size:
        raise InputError("no tag has a positive: there is nothing to measure")
    found = np.unique(positives)
    if len(found) > MOST_CUTS:
        found = np.unique(np.quantile(found, np.linspace(0, 1, MOST_CUTS), method="lower"))
    return np.nextafter(found, np.array(-np.inf, dtype=found.dtype))


def _averages(
    scores: NDArray, targets: NDArray[np.bool_], judged: NDArray[np.bool_], thresholds: NDArray
) -> tuple[Floats, Floats]:
    """Mean precision and recall over the tags with a positive, (thresholds,) each."""
    totals = np.zeros((2, len(thresholds)))
    tags = np.flatnonzero((targets & judged).any(axis=0))
    for tag in tags:
        kept = judged[:, tag]
        claims, hits = (
            len(part) - np.searchsorted(np.sort(part), thresholds, side="right")
            for part in (scores[kept, tag], scores[kept & targets[:, tag], tag])
        )
        totals += hits / np.maximum(claims, 1), hits / (targets[:, tag] & kept).sum()
    return totals[0] / len(tags), totals[1] / len(tags)
