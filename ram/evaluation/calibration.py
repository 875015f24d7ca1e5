"""Choose a threshold for each tag on a development set, regularized where positives are few."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ram.errors import InputError

PRIOR = 10
"""Weight of the threshold that all tags share, in positives: with 10 positives a tag's own best counts half."""

PRIOR_OF_THUMBS = 1
"""Weight of the shared threshold for thumbs; each is given on purpose, so that the first one counts half."""

Goal = Callable[[NDArray[np.floating], NDArray[np.bool_]], float]
"""Maps scores and targets, both (n,) with some target true, to the best threshold."""


def calibrate(
    scores: NDArray[np.floating],
    targets: NDArray[np.bool_],
    prior: float = PRIOR,
    goal: Goal | None = None,
    kept: ArrayLike | None = None,
    known: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Choose thresholds for the strict comparison ``score > threshold``.

    A tag's own best threshold depends on few positives, so that it is averaged with the threshold that is best for all
    tags together, weighted by ``positives : prior``. A tag without a positive may be absent from the images or only
    from the annotations, so that it does not influence the shared threshold.

    Args:
        scores: (images, tags) probabilities in 0..1.
        targets: (images, tags) booleans.
        prior: see :data:`PRIOR`.
        goal: chooses a threshold; :func:`best_f1_threshold` where None.
        kept: (tags,) thresholds that tags without a positive keep; they get the shared one where None.
        known: (images, tags) True where a decision was judged; all of them where None.

    Returns:
        (tags,) thresholds in 0..1, rounded to four digits except for those that are kept.

    Raises:
        InputError: no target is true.
        ValueError: the shapes differ.
    """
    if scores.shape != targets.shape or scores.ndim != 2:
        raise ValueError(f"scores {scores.shape} and targets {targets.shape} must be the same (pictures, tags)")
    goal = goal or best_f1_threshold
    judged = np.ones_like(targets) if known is None else known
    targets = targets & judged
    shared = shared_threshold(scores, targets, goal, judged)
    positives = targets.sum(axis=0)
    thresholds = np.full(len(positives), round(shared, 4)) if kept is None else np.array(kept, dtype=np.float64)
    for tag in np.flatnonzero(positives):
        own = goal(scores[judged[:, tag], tag], targets[judged[:, tag], tag])
        thresholds[tag] = np.round((positives[tag] * own + prior * shared) / (positives[tag] + prior), 4)
    return thresholds


def calibrate_by_thumbs(
    scores: NDArray[np.floating], thumbs: NDArray[np.integer], kept: ArrayLike
) -> NDArray[np.float64]:
    """Adapt thresholds to thumbs up and down on a few tags of a few images, for the strict ``score > threshold``.

    Only a threshold that contradicts a thumb changes: to the one that :func:`calibrate` chooses by the thumbs alone,
    or, for a tag with thumbs down only, to the highest score among them.

    Args:
        scores: (images, tags) probabilities in 0..1.
        thumbs: (images, tags), 1 for up, -1 for down, 0 for none.
        kept: (tags,) the present thresholds.

    Returns:
        (tags,) thresholds in 0..1.
    """
    up, down = thumbs > 0, thumbs < 0
    old = np.array(kept, dtype=np.float64)
    over = scores.astype(np.float32) > old.astype(np.float32)
    contradicted = ((up & ~over) | (down & over)).any(axis=0)
    new = calibrate(scores, up, PRIOR_OF_THUMBS, kept=old, known=up | down) if up.any() else old.copy()
    only_denied = contradicted & ~up.any(axis=0)
    highest = np.where(down, scores, 0).max(axis=0, initial=0)
    new[only_denied] = np.minimum(np.ceil(highest[only_denied] * 10_000) / 10_000, 1.0)
    return np.where(contradicted, new, old)


def shared_threshold(
    scores: NDArray[np.floating],
    targets: NDArray[np.bool_],
    goal: Goal | None = None,
    known: NDArray[np.bool_] | None = None,
) -> float:
    """Return the threshold that is best for all decisions on tags with a positive.

    Args:
        scores, targets: (images, tags).
        goal: chooses a threshold; :func:`best_f1_threshold` where None.
        known: (images, tags) True where a decision counts; all of them where None.

    Raises:
        InputError: no target is true.
    """
    annotated = targets.any(axis=0)
    if not annotated.any():
        raise InputError("no tag occurs in these pictures: thresholds need some positives")
    counted = np.broadcast_to(annotated, targets.shape) if known is None else known & annotated
    return (goal or best_f1_threshold)(scores[counted], targets[counted])


def best_f_threshold(scores: NDArray[np.floating], targets: NDArray[np.bool_], beta: float = 1.0) -> float:
    """Return the threshold of the best F-measure, half-way between two scores.

    Args:
        scores, targets: (n,), some target true.
        beta: how many times as much recall counts as precision does.
    """
    ranked, shown, hits = _cuts(scores, targets)
    return _below(ranked, int(np.argmax(hits / (shown + beta**2 * hits[-1]))))


def best_f1_threshold(scores: NDArray[np.floating], targets: NDArray[np.bool_]) -> float:
    """Return the threshold of the best F1; see :func:`best_f_threshold`."""
    return best_f_threshold(scores, targets)


def precise_threshold(scores: NDArray[np.floating], targets: NDArray[np.bool_], precision: float) -> float:
    """Return the lowest threshold with a given precision; scores and targets (n,), some target true.

    Where no threshold is that precise, it is the highest score, which none exceeds.
    """
    ranked, shown, hits = _cuts(scores, targets)
    precise = np.flatnonzero(hits >= precision * shown)
    return _below(ranked, int(precise[-1])) if len(precise) else float(ranked[0])


def parse_goal(text: str) -> Goal:
    """Parse "f1" or "precision=0.8".

    Raises:
        InputError: it is neither.
    """
    precision = goal_precision(text)
    return best_f1_threshold if precision is None else partial(precise_threshold, precision=precision)


def goal_precision(text: str) -> float | None:
    """Precision of the goal "precision=0.8", None for "f1".

    Raises:
        InputError: it is neither.
    """
    name, _, share = text.partition("=")
    if text == "f1":
        return None
    try:
        precision = float(share) if name == "precision" else 0.0
    except ValueError:
        precision = 0.0
    if not 0 < precision <= 1:
        raise InputError(f"{text!r} is no goal: give f1, or precision=0.8 with any fraction over 0 up to 1")
    return precision


def _cuts(
    scores: NDArray[np.floating], targets: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.int_], NDArray[np.int_]]:
    """Return (cuts,) distinct scores from the highest, how many are as high, and how many of those are true."""
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order].astype(np.float64), np.cumsum(targets[order], dtype=np.int64)
    last = np.flatnonzero(np.append(ranked[:-1] != ranked[1:], True))
    return ranked[last], last + 1, hits[last]


def _below(ranked: NDArray[np.float64], cut: int) -> float:
    """Return the middle between the lowest score over the threshold and the next one, or 0."""
    return float((ranked[cut] + (ranked[cut + 1] if cut + 1 < len(ranked) else 0.0)) / 2)
