"""Metrics as fractions in 0..1: average precision, precision and recall, retrieval recall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ram.errors import InputError

Floats = NDArray[np.float64]


def average_precisions(scores: ArrayLike, targets: ArrayLike, known: ArrayLike | None = None) -> Floats:
    """Compute the area under each tag's precision-recall curve over the images.

    Images with equal scores enter the ranking together, so that their order in the data set changes nothing and
    constant scores get the fraction of positives. Differs from the official code, where the sort decides. Columns are
    independent: a tag listed twice counts twice, as in the official code.

    Args:
        scores: (images, tags), any monotonic scale.
        targets: (images, tags), true where the image has the tag.
        known: (images, tags), false where nobody knows, so that the image is left out of the tag's ranking; all are
            known where None.

    Returns:
        (tags,) fractions, NaN for a tag without a positive.

    Raises:
        ValueError: the shapes differ, or a score is NaN.
    """
    scores, targets = _checked(scores, targets)
    judged = _known(known, targets)
    columns = zip(scores.T, targets.T, judged.T, strict=True)
    return np.array([_average_precision(column[kept], own[kept]) for column, own, kept in columns])


def mean_average_precision(scores: ArrayLike, targets: ArrayLike) -> float:
    """Average :func:`average_precisions` over the tags with a positive; in the official code others count as 0.

    Raises:
        InputError: no tag has a positive.
        ValueError: the shapes differ, or a score is NaN.
    """
    return _mean(average_precisions(scores, targets))


@dataclass(frozen=True, eq=False)
class Rates:
    """Precision and recall of the decisions "score over threshold".

    Per tag, averaged over the tags that have a positive (CP, CR), and of all decisions at once (OP, OR); CF1
    and OF1 are the harmonic means of these pairs. A tag that is never predicted has precision 0.

    Args:
        precision, recall: (tags,), NaN for a tag without a positive.
        CP, CR, CF1, OP, OR, OF1: the averages; OP and OR include the tags without a positive.
    """

    precision: Floats
    recall: Floats
    CP: float
    CR: float
    CF1: float
    OP: float
    OR: float
    OF1: float

    @property
    def f1(self) -> Floats:
        """(tags,) harmonic mean of precision and recall, NaN for a tag without a positive."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / np.where(total == 0, 1.0, total)

    def averages(self) -> dict[str, float]:
        """The six averages by name."""
        return {name: getattr(self, name) for name in ("CP", "CR", "CF1", "OP", "OR", "OF1")}


def rates(
    scores: ArrayLike, targets: ArrayLike, thresholds: ArrayLike, known: ArrayLike | None = None
) -> Rates:
    """Compute precision and recall at per-tag thresholds; a tag is predicted where its score is greater.

    Args:
        scores: (images, tags), any monotonic scale.
        targets: (images, tags), true where the image has the tag.
        thresholds: (tags,), or one for all; compared in the dtype of the scores.
        known: (images, tags), false where nobody knows and no decision counts; all are known where None.

    Raises:
        InputError: no tag has a positive.
        ValueError: the shapes do not fit, or a value is NaN.
    """
    scores, targets = _checked(scores, targets)
    thresholds = np.asarray(thresholds, dtype=scores.dtype)
    if thresholds.ndim > 1 or (thresholds.ndim == 1 and len(thresholds) != scores.shape[1]):
        raise ValueError(
            f"thresholds have shape {thresholds.shape}: give one, or one for each of {scores.shape[1]} tags"
        )
    if np.isnan(thresholds).any():
        raise ValueError("a threshold is not a number: give fractions")
    judged = _known(known, targets)
    targets = targets & judged
    predicted = (scores > thresholds) & judged
    hits, claims, positives = (a.sum(0) for a in (predicted & targets, predicted, targets))
    precision = np.where(positives > 0, _share(hits, claims), np.nan)
    recall = np.where(positives > 0, _share(hits, positives), np.nan)
    cp, cr = _mean(precision), _mean(recall)
    op, or_ = (float(_share(hits.sum(), whole.sum())) for whole in (claims, positives))
    return Rates(precision, recall, cp, cr, _f1(cp, cr), op, or_, _f1(op, or_))


def retrieval_recall(
    similarity: ArrayLike, owners: ArrayLike, ks: Sequence[int] = (1, 5, 10)
) -> dict[int, float]:
    """Compute text-to-image R@K: the fraction of texts whose own image is among the K most similar ones.

    An equally similar other image ranks higher, so that constant similarities have a recall of 0.

    Args:
        similarity: (texts, images).
        owners: (texts,) index of the image that each text belongs to.
        ks: the values of K.

    Raises:
        ValueError: the shapes do not fit, a similarity is NaN, or an owner is not an image.
    """
    similarity, own = _checked_similarity(similarity, owners)
    ahead = (similarity >= similarity[np.arange(len(own)), own, None]).sum(1) - 1
    return {k: float((ahead < k).mean()) for k in ks}


def picture_retrieval_recall(
    similarity: ArrayLike, owners: ArrayLike, ks: Sequence[int] = (1, 5, 10)
) -> dict[int, float]:
    """Compute image-to-text R@K: the fraction of images with one of their texts among the K most similar ones.

    An equally similar text of another image ranks higher. An image without a text is left out.

    Args:
        similarity: (texts, images).
        owners: (texts,) index of the image that each text belongs to.
        ks: the values of K.

    Raises:
        ValueError: the shapes do not fit, a similarity is NaN, or an owner is not an image.
    """
    similarity, own = _checked_similarity(similarity, owners)
    mine = own[:, None] == np.arange(similarity.shape[1])
    best = np.where(mine, similarity, -np.inf).max(0)
    ahead = ((similarity >= best) & ~mine).sum(0)[mine.any(0)]
    return {k: float((ahead < k).mean()) for k in ks}


def _checked_similarity(similarity: ArrayLike, owners: ArrayLike) -> tuple[NDArray, NDArray[np.int_]]:
    similarity, own = np.asarray(similarity), np.asarray(owners)
    if similarity.ndim != 2 or not similarity.size or own.shape != similarity.shape[:1]:
        raise ValueError(
            f"similarity {similarity.shape} and owners {own.shape} must be (texts, images) and (texts,)"
        )
    if np.isnan(similarity).any():
        raise ValueError("a similarity is not a number: look for a broken embedding")
    if own.dtype.kind not in "iu" or own.min() < 0 or own.max() >= similarity.shape[1]:
        raise ValueError(f"owners must be indices of the {similarity.shape[1]} images")
    return similarity, own


def _average_precision(scores: NDArray, targets: NDArray[np.bool_]) -> float:
    if not targets.any():
        return float("nan")
    order = np.argsort(-scores)
    scores, hits = scores[order], np.cumsum(targets[order])
    last = np.append(scores[1:] != scores[:-1], True)  # the last picture of each run of equal scores
    ranks, hits = np.flatnonzero(last) + 1, hits[last]
    return float((np.diff(hits, prepend=0) * hits / ranks).sum() / hits[-1])


def _checked(scores: ArrayLike, targets: ArrayLike) -> tuple[NDArray, NDArray[np.bool_]]:
    scores, targets = np.asarray(scores), np.asarray(targets).astype(bool)
    scores = scores if scores.dtype.kind == "f" else scores.astype(np.float64)
    if scores.ndim != 2 or scores.shape != targets.shape or not scores.size:
        raise ValueError(f"scores {scores.shape} and targets {targets.shape} must both be (pictures, tags)")
    if np.isnan(scores).any():
        raise ValueError(
            f"{np.isnan(scores).sum()} of {scores.size} scores are not a number: look for a broken picture"
        )
    return scores, targets


def _known(known: ArrayLike | None, targets: NDArray[np.bool_]) -> NDArray[np.bool_]:
    judged = np.ones_like(targets) if known is None else np.asarray(known).astype(bool)
    if judged.shape != targets.shape:
        raise ValueError(f"known {judged.shape} and targets {targets.shape} must both be (pictures, tags)")
    return judged


def _share(part: NDArray, whole: NDArray) -> Floats:
    return part / np.maximum(whole, 1)


def _mean(values: Floats) -> float:
    if np.isnan(values).all():
        raise InputError("no tag has a positive: there is nothing to measure")
    return float(np.nanmean(values))


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
