"""Compare models on one photo: where they differ most, and how long each takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from demo.core.photos import Photo, Scores
from ram.backends import TaggerBackend
from ram.text.bank import TagEmbeddingBank

MAX_SHOWN = 12
"""Categories shown at once, those with the largest differences."""


@dataclass(frozen=True)
class ModelComparison:
    """Predictions of several models on one photo.

    Args:
        scores: by model name, over the categories to show, the largest differences first.
        total: how many categories were compared.
        look_seconds, score_seconds: by model name, for looking at the photo and for scoring all categories.
    """

    scores: Scores = field(repr=False)
    total: int
    look_seconds: Mapping[str, float]
    score_seconds: Mapping[str, float]

    def rows(self) -> list[dict[str, Any]]:
        """A row for each category: the probability of each model, and the difference."""
        rows = []
        for tag in next(iter(self.scores.values())).vocabulary.tags:
            found = {model: round(prediction[tag].probability, 4) for model, prediction in self.scores.items()}
            rows.append({"category": tag, **found, "apart": round(max(found.values()) - min(found.values()), 4)})
        return rows


def shared_tags(taggers: Sequence[TaggerBackend]) -> tuple[str, ...]:
    """Predefined tags that all models know, in the order of the first."""
    return tuple(tag for tag in taggers[0].bank.vocabulary.tags if all(tag in t.bank.vocabulary for t in taggers))


def predefined_banks(taggers: Sequence[TaggerBackend]) -> dict[str, TagEmbeddingBank]:
    """Bank of the shared tags by model name; models without tags of their own are left out."""
    with_tags = [tagger for tagger in taggers if len(tagger.bank)]
    tags = shared_tags(with_tags)
    return {tagger.name: tagger.bank.select(tags) for tagger in with_tags}


def compare(
    taggers: Sequence[TaggerBackend],
    photo: Photo,
    banks: Mapping[str, TagEmbeddingBank],
    clock: Callable[[], float] = time.perf_counter,
) -> ModelComparison:
    """Score the photo with every model that has looked at it; all banks hold the same tags."""
    scores, seconds = {}, {}
    for tagger in taggers:
        if tagger.name in photo.features and tagger.name in banks:
            start = clock()
            scores[tagger.name] = tagger.score(photo.features[tagger.name].to(tagger.device), banks[tagger.name])
            seconds[tagger.name] = clock() - start
    return rank_by_difference(scores, photo, seconds)


def rank_by_difference(scores: Scores, photo: Photo, seconds: Mapping[str, float]) -> ModelComparison:
    """Order categories by the difference between the models, the largest first.

    Args:
        scores: by model name, over the same categories.
        photo: that was scored.
        seconds: by model name, for scoring.
    """
    found = np.stack([prediction.probabilities for prediction in scores.values()])
    apart = found.max(axis=0) - found.min(axis=0)
    tags = next(iter(scores.values())).vocabulary.tags
    first = [tags[index] for index in np.argsort(-apart, kind="stable")[:MAX_SHOWN]]
    look = {model: photo.seconds[model] for model in scores}
    shown = {model: prediction.select(first) for model, prediction in scores.items()}
    return ModelComparison(shown, len(tags), look, seconds)
