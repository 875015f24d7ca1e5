"""Models against each other on one photo: where they differ most, and what a score costs each of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from demo.core.photos import Photo, Scores
from ram.tagger import TaggerBackend
from ram.text.bank import TagEmbeddingBank

MOST_SHOWN = 12
"""Categories that are compared at once, those apart the most."""


@dataclass(frozen=True)
class Versus:
    """Models on the same categories of one photo.

    Args:
        scores: over the categories to show, furthest apart first, by model name.
        of: how many categories were compared.
        look, score: seconds that each model took to look at the photo and to score these categories.
    """

    scores: Scores = field(repr=False)
    of: int
    look: Mapping[str, float]
    score: Mapping[str, float]

    def rows(self) -> list[dict[str, Any]]:
        """A row a category: the probability of each model, and how far they are apart."""
        rows = []
        for tag in next(iter(self.scores.values())).vocabulary.tags:
            found = {model: round(prediction[tag].probability, 4) for model, prediction in self.scores.items()}
            rows.append({"category": tag, **found, "apart": round(max(found.values()) - min(found.values()), 4)})
        return rows


def shared_tags(taggers: Sequence[TaggerBackend]) -> tuple[str, ...]:
    """The predefined tags that all models know, in the first one's order."""
    return tuple(tag for tag in taggers[0].bank.vocabulary.tags if all(tag in t.bank.vocabulary for t in taggers))


def predefined_banks(taggers: Sequence[TaggerBackend]) -> dict[str, TagEmbeddingBank]:
    """By model name, the bank of the tags that all of them know; those that know no tags are left out."""
    knowing = [tagger for tagger in taggers if len(tagger.bank)]
    tags = shared_tags(knowing)
    return {tagger.name: tagger.bank.select(tags) for tagger in knowing}


def compare(
    taggers: Sequence[TaggerBackend],
    photo: Photo,
    banks: Mapping[str, TagEmbeddingBank],
    clock: Callable[[], float] = time.perf_counter,
) -> Versus:
    """All models that have looked at the photo, on the tags of their banks, which are the same."""
    scores, seconds = {}, {}
    for tagger in taggers:
        if tagger.name in photo.features and tagger.name in banks:
            began = clock()
            scores[tagger.name] = tagger.score(photo.features[tagger.name].to(tagger.device), banks[tagger.name])
            seconds[tagger.name] = clock() - began
    return versus(scores, photo, seconds)


def versus(scores: Scores, photo: Photo, seconds: Mapping[str, float]) -> Versus:
    """Scores over the same categories, put into the order of how far the models are apart.

    Args:
        seconds: what scoring took each model.
    """
    found = np.stack([prediction.probabilities for prediction in scores.values()])
    apart = found.max(axis=0) - found.min(axis=0)
    tags = next(iter(scores.values())).vocabulary.tags
    first = [tags[place] for place in np.argsort(-apart, kind="stable")[:MOST_SHOWN]]
    look = {model: photo.seconds[model] for model in scores}
    return Versus({model: prediction.select(first) for model, prediction in scores.items()}, len(tags), look, seconds)
