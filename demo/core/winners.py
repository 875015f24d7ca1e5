"""One category over several photos: which of its descriptions wins in each (RAM++, Figures 8 and 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from demo.core.album import Album, AlbumPhoto
from demo.core.feature_cache import FeatureShelf
from ram.errors import InputError
from ram.prediction import TagScore
from ram.tagger import TaggerBackend
from ram.text.bank import TagEmbeddingBank

OF_EACH_KIND = 8
"""Photos that are shown of an album with more than three times as many: the highest, the lowest, those in between."""


@dataclass(frozen=True, eq=False)
class Won:
    """A category in one photo.

    Args:
        score: with its descriptions, heaviest first.
        weights: (descriptions,) of the same, in the order they were given.
    """

    photo: AlbumPhoto
    score: TagScore = field(repr=False)
    weights: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class Winners:
    """A category in several photos, the most probable first.

    Args:
        category: its name.
        sentences: its descriptions, in the order given.
        photos: what became of it in each.
        left_out: photos of the album whose features had to make way for others'.
    """

    category: str
    sentences: Sequence[str] = field(repr=False)
    photos: tuple[Won, ...] = field(repr=False)
    left_out: int = 0

    @property
    def over(self) -> int:
        """In how many photos it is over its threshold."""
        return sum(won.score.present for won in self.photos)

    def telling(self) -> dict[str, tuple[Won, ...]]:
        """The photos that say most, by what they are: all, or the two ends and the closest to the threshold between."""
        few, ranked = OF_EACH_KIND, self.photos
        if len(ranked) <= 3 * few:
            return {"": ranked}
        apart = [abs(won.score.probability - won.score.threshold) for won in ranked]
        closest = sorted(range(few, len(ranked) - few), key=apart.__getitem__)[:few]
        return {
            "most probable": ranked[:few],
            "closest to the threshold, of the others": tuple(ranked[place] for place in sorted(closest)),
            "least probable": ranked[-few:],
        }

    def rows(self) -> list[dict[str, Any]]:
        """A row a photo: the probability, and the description that weighed most."""
        return [
            {
                "photo": won.photo.name,
                "probability": round(won.score.probability, 4),
                "description": won.score.descriptions[0].text,
                "weight": round(won.score.descriptions[0].weight, 4),
            }
            for won in self.photos
        ]


def find_winners(tagger: TaggerBackend, album: Album, bank: TagEmbeddingBank, shelf: FeatureShelf) -> Winners:
    """Score a category, the only one of its bank, against all photos of an album whose features are still kept.

    Raises:
        InputError: no photo is there or kept, or more than one category.
    """
    if not album.photos:
        raise InputError("there are no photos yet: tag some first")
    if len(bank) != 1:
        raise InputError(f"{len(bank)} categories are too many here: type one")
    (category,) = bank.vocabulary.tags
    found = []
    for photo in album.photos:
        if (features := shelf.take(photo.kept)) is not None:
            prediction = tagger.score(features.to(tagger.device), bank)
            found.append(Won(photo, prediction[category], prediction.weights[0]))
    if not found:
        raise InputError("these photos had to make way for those of other visitors: tag them again")
    found.sort(key=lambda won: -won.score.probability)
    return Winners(category, bank.sentences[0], tuple(found), len(album.photos) - len(found))
