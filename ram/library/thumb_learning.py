"""Thresholds of a library's tags, learned from thumbs on its photos.

The present threshold is what is expected before any thumb, so that few thumbs move it little, and ones that contradict
each other or the move leave it; see :func:`shifted`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ram.library.look_ranking import score_looks
from ram.library.photo_library import PhotoLibrary
from ram.runtime import Progress, quiet
from ram.text.vocabulary import UNSEEN_THRESHOLD

SLOPE, OFFSET = 1.5, 1.5
"""Logits by which the odds of a tag being right grow with each logit of its score, and how far above the threshold they
are expected to be even: the best threshold for F1 lies below."""
SPREAD, UNSEEN_SPREAD = 0.5, 2.0
"""Standard deviation in logits that the best threshold is expected to have around a calibrated one, and around that of
a tag without a calibrated one. All four were chosen on Flickr8k's development split."""
STEP = 0.05
"""Logits between the thresholds that are tried."""
_LEAST = 1e-4


@dataclass(frozen=True)
class LearnedThreshold:
    """A threshold that thumbs have changed.

    Args:
        tag: it is of.
        before, after: the threshold.
        photos: that have the tag now.
    """

    tag: str
    before: float
    after: float
    photos: int


def learn(library: PhotoLibrary, progress: Progress = quiet) -> list[LearnedThreshold]:
    """Choose the thresholds of all tags with thumbs again, and tag the photos by them.

    Photos with a thumb up have the tag afterwards, and those with a thumb down do not, whatever the threshold.

    Raises:
        InputError: the library has no looks.
    """
    learned = []
    store, own = library.looks(), library.tagger.bank
    thresholds, rows = library.index.thresholds(), library.index.rows()
    for tag, thumbs in library.index.thumbs().items():
        bank = own.select([tag]) if tag in own.vocabulary else library.tagger.embed([tag])
        (first,) = bank.vocabulary.thresholds
        before = thresholds.get(tag, first)
        logits = score_looks(library.tagger, store, rows, bank, progress)[:, 0].numpy()
        judged = np.array(list(thumbs))
        places, right = np.searchsorted(rows, judged), np.array(list(thumbs.values())) > 0
        after = shifted(logits[places], right, first)
        probabilities = 1 / (1 + np.exp(-logits.astype(np.float64)))
        has = probabilities > after
        has[places] = right
        library.index.save_threshold(tag, after)
        library.index.set_tag(tag, {int(rows[i]): float(probabilities[i]) for i in np.flatnonzero(has)})
        learned.append(LearnedThreshold(tag, before, after, int(has.sum())))
    return learned


def shifted(logits: NDArray[np.floating], right: NDArray[np.bool_], threshold: float) -> float:
    """The likeliest threshold after thumbs.

    The odds of a tag being right are taken for a logistic curve of its logit, whose middle is expected at a fixed
    distance from the present threshold. The threshold moves as far as the thumbs move that middle, unless the thumbs
    that it would pass speak against it, or those beyond it where it passes none: a photo raises F1 where its chance of
    being right is over half of F1 (Lipton et al., 2014), which is here that of the present threshold for the thumbs.

    Args:
        logits: (n,) of the photos with a thumb.
        right: (n,) whether it was a thumb up.
        threshold: the present one, in 0..1; 0 and 1 stay.
    """
    if not len(logits) or not _LEAST < threshold < 1 - _LEAST:
        return threshold
    spread = UNSEEN_SPREAD if threshold == UNSEEN_THRESHOLD else SPREAD
    present = np.log(threshold / (1 - threshold))
    moves = np.arange(-4 * spread, 4 * spread + STEP / 2, STEP)
    margins = SLOPE * (logits[None] - (present + OFFSET + moves)[:, None])
    likelihood = -np.logaddexp(0, np.where(right, -margins, margins)).sum(axis=1)
    best = present + moves[np.argmax(likelihood - moves**2 / (2 * spread**2))]
    lower = best < present
    passed = (logits > min(present, best)) & (logits <= max(present, best))
    judging = right[passed if passed.any() else (logits <= best) == lower]
    half = f1(logits > present, right) / 2
    if not len(judging) or (judging.mean() < half if lower else judging.mean() > half):
        return threshold
    return float(1 / (1 + np.exp(-best)))


def f1(predicted: NDArray[np.bool_], right: NDArray[np.bool_]) -> float:
    """F1 of what is predicted; 0 where nothing is right or predicted."""
    return float(2 * (predicted & right).sum() / max(1, predicted.sum() + right.sum()))
