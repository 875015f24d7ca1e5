"""One category over several photos: which of its descriptions wins in each (RAM++, Figures 8 and 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from demo.album import Album, AlbumPhoto
from demo.categories import InputError
from ram.embeddings import TagEmbeddingBank
from ram.prediction import TagScore
from ram.tagger import Tagger


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
        left_out: photos of the album that were not kept in a form that could be scored.
    """

    category: str
    sentences: Sequence[str] = field(repr=False)
    photos: tuple[Won, ...] = field(repr=False)
    left_out: int = 0

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


def find_winners(tagger: Tagger, album: Album, bank: TagEmbeddingBank) -> Winners:
    """Score a category, the only one of its bank, against the photos that the album holds features of.

    Raises:
        InputError: no photo is there, or more than one category.
    """
    if not album.photos:
        raise InputError("there are no photos yet: tag some first")
    if len(bank) != 1:
        raise InputError(f"{len(bank)} categories are too many here: type one")
    found = []
    for photo in album.photos:
        if photo.features is not None:
            prediction = tagger.score(photo.features.to(tagger.device), bank)
            (category,) = bank.vocabulary.tags
            found.append(Won(photo, prediction[category], prediction.weights[0]))
    found.sort(key=lambda won: -won.score.probability)
    return Winners(category, bank.sentences[0], tuple(found), len(album.photos) - len(found))
