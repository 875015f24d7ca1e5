"""Categories over several photos: which of their descriptions wins in each (RAM++, Figures 8 and 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from demo.core.album import Album, AlbumPhoto
from demo.core.feature_cache import FeatureCache
from demo.core.texts import Text, input_error, say
from ram.backends import TaggerBackend
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

    def highlights(self) -> dict[Text | str, tuple[PhotoScore, ...]]:
        """The photos to show, by the name of their group; all in one group without a name if they are few."""
        photos = self.photos
        if len(photos) <= 3 * GROUP:
            return {"": photos}
        margins = [abs(one.score.probability - one.score.threshold) for one in photos]
        closest = sorted(range(GROUP, len(photos) - GROUP), key=margins.__getitem__)[:GROUP]
        return {
            say("most_probable"): photos[:GROUP],
            say("closest"): tuple(photos[index] for index in sorted(closest)),
            say("least_probable"): photos[-GROUP:],
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


def find_winners(
    tagger: TaggerBackend, album: Album, bank: TagEmbeddingBank, cache: FeatureCache
) -> tuple[Winners, ...]:
    """Score the categories of a bank against all photos of an album whose features are still cached.

    Returns:
        One value for each category, in the order of the bank.

    Raises:
        InputError: there are no photos, or their features were removed.
    """
    if not album.photos:
        raise input_error("no_photos_yet")
    found: dict[str, list[PhotoScore]] = {category: [] for category in bank.vocabulary.tags}
    for photo in album.photos:
        if (features := cache.get(photo.cached)) is None:
            continue
        prediction = tagger.score(features.to(tagger.device), bank)
        for index, (category, scores) in enumerate(found.items()):
            scores.append(PhotoScore(photo, prediction[category], prediction.weights[index]))
    if not any(found.values()):
        raise input_error("photos_removed")
    all_winners = []
    for (category, scores), sentences in zip(found.items(), bank.sentences, strict=True):
        scores.sort(key=lambda one: -one.score.probability)
        all_winners.append(Winners(category, sentences, tuple(scores), len(album.photos) - len(scores)))
    return tuple(all_winners)


def matrix(found: Sequence[Winners]) -> list[tuple[str, dict[str, float]]]:
    """Name of each photo and its probability by category, the photos with the highest probability first."""
    names: dict[int, str] = {}
    rows: dict[int, dict[str, float]] = {}
    for winners in found:
        for one in winners.photos:
            names[id(one.photo)] = one.photo.name
            rows.setdefault(id(one.photo), {})[winners.category] = round(one.score.probability, 4)
    return sorted(((names[key], row) for key, row in rows.items()), key=lambda row: -max(row[1].values()))
