"""CIDEr-D, the consensus of a caption with those that people wrote, over token ids."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

N_GRAMS = 4
SIGMA = 6.0
"""Standard deviation of the Gaussian that lowers the score of a caption by its difference in length, in tokens."""

Ids = Sequence[int]
Gram = tuple[int, ...]


class Consensus:
    """CIDEr-D (Vedantam et al. 2015, section 4): n-grams that few images have count more.

    Equal to ``pycocoevalcap`` where a token is a word, without Java and fast enough for a step of training.

    Args:
        images: the captions of every training image, as ids.
    """

    def __init__(self, images: Iterable[Sequence[Ids]]) -> None:
        images = list(images)
        self._images = Counter[Gram]()
        for captions in images:
            self._images.update({gram for caption in captions for gram in _grams(caption)})
        self._log_count = math.log(max(len(images), 1))

    def scores(self, captions: Sequence[Ids], references: Sequence[Ids]) -> list[float]:
        """Score captions of one image, 0 to 10, by its references."""
        expected = [self._weigh(reference) for reference in references]
        return [self._score(self._weigh(caption), expected) for caption in captions]

    def _weigh(self, caption: Ids) -> _Weighed:
        weights: list[dict[Gram, float]] = [{} for _ in range(N_GRAMS)]
        for gram, count in _grams(caption).items():
            rarity = self._log_count - math.log(max(self._images[gram], 1))
            weights[len(gram) - 1][gram] = count * rarity
        return _Weighed(weights, [math.hypot(*each.values()) for each in weights], len(caption))

    @staticmethod
    def _score(caption: _Weighed, references: Sequence[_Weighed]) -> float:
        total = 0.0
        for other in references:
            penalty = math.exp(-((caption.length - other.length) ** 2) / (2 * SIGMA**2))
            for n in range(N_GRAMS):
                norms = caption.norms[n] * other.norms[n]
                if norms:
                    mine, theirs = caption.weights[n], other.weights[n]
                    shared = sum(min(mine[gram], theirs[gram]) * theirs[gram] for gram in mine.keys() & theirs.keys())
                    total += penalty * shared / norms
        return 10.0 * total / (N_GRAMS * len(references))


class _Weighed(NamedTuple):
    """A caption for comparison.

    Args:
        weights: of the n-grams of 1 to :data:`N_GRAMS` tokens, by n-gram.
        norms: of these weights.
        length: tokens of the caption.
    """

    weights: Sequence[Mapping[Gram, float]]
    norms: Sequence[float]
    length: int


def _grams(caption: Ids) -> Counter[Gram]:
    """Count the n-grams of up to :data:`N_GRAMS` tokens."""
    ids = tuple(caption)
    return Counter(ids[i : i + n] for n in range(1, N_GRAMS + 1) for i in range(len(ids) - n + 1))
