"""One category over several photos: which of its descriptions wins in each (RAM++, Figures 8 and 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from demo.core.album import Album, AlbumPhoto
from demo.core.feature_cache import FeatureCache
from ram.backends import TaggerBackend
from ram.errors import InputError
from ram.prediction import TagScore, WeightedDescription
from ram.text.bank import TagEmbeddingBank

GROUP = 8
"""Photos in each group that is shown of a large album: most probable, closest to the threshold, least probable."""


@dataclass(frozen=True, eq=False)
class PhotoScore:
    """The category in one photo.

    Args:
        photo: of the album.
        score: with its descriptions, heaviest first.
        weights: (descriptions,) in the order of the bank.
    """

    photo: AlbumPhoto
    score: TagScore = field(repr=False)
    weights: np.ndarray = field(repr=False)

    @property
    def best(self) -> WeightedDescription:
        """The description with the largest weight."""
        return self.score.descriptions[0]


@dataclass(frozen=True)
class Winners:
    """The category in several photos, the most probable first.

    Args:
        category: its name.
        sentences: its descriptions, in the order given.
        photos: its score in each photo.
        left_out: how many photos could not be scored, because their features were removed.
    """

    category: str
    sentences: Sequence[str] = field(repr=False)
    photos: tuple[PhotoScore, ...] = field(repr=False)
    left_out: int = 0

    @property
    def over(self) -> int:
        """In how many photos the category is over its threshold."""
        return sum(one.score.present for one in self.photos)

    def highlights(self) -> dict[str, tuple[PhotoScore, ...]]:
        """The photos to show, by the name of their group; all in one group without a name if they are few."""
        photos = self.photos
        if len(photos) <= 3 * GROUP:
            return {"": photos}
        margins = [abs(one.score.probability - one.score.threshold) for one in photos]
        closest = sorted(range(GROUP, len(photos) - GROUP), key=margins.__getitem__)[:GROUP]
        return {
            "most probable": photos[:GROUP],
            "closest to the threshold, of the others": tuple(photos[index] for index in sorted(closest)),
            "least probable": photos[-GROUP:],
        }

    def rows(self) -> list[dict[str, Any]]:
        """A row for each photo: the probability, and the description with the largest weight."""
        return [
            {
                "photo": one.photo.name,
                "probability": round(one.score.probability, 4),
                "description": one.best.text,
                "weight": round(one.best.weight, 4),
            }
            for one in self.photos
        ]


def find_winners(tagger: TaggerBackend, album: Album, bank: TagEmbeddingBank, cache: FeatureCache) -> Winners:
    """Score the only category of a bank against all photos of an album whose features are still cached.

    Raises:
        InputError: there are no photos or no features, or more than one category.
    """
    if not album.photos:
        raise InputError("there are no photos yet: tag some first")
    if len(bank) != 1:
        raise InputError(f"{len(bank)} categories are too many here: type one")
    (category,) = bank.vocabulary.tags
    found = []
    for photo in album.photos:
        if (features := cache.get(photo.cached)) is not None:
            prediction = tagger.score(features.to(tagger.device), bank)
            found.append(PhotoScore(photo, prediction[category], prediction.weights[0]))
    if not found:
        raise InputError("these photos were removed to make room for other visitors: tag them again")
    found.sort(key=lambda one: -one.score.probability)
    return Winners(category, bank.sentences[0], tuple(found), len(album.photos) - len(found))
