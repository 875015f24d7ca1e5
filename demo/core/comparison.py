"""Compare models on one photo: where their verdicts differ, where they agree, and how long each takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from demo.core.photos import Photo, Scores
from ram.backends import TaggerBackend
from ram.text.bank import TagEmbeddingBank

DIFFER, YES, NO = "differ", "yes", "no"
"""Groups of categories: the models' verdicts differ, all say yes, all say no."""
MAX_SHOWN = 30
"""Categories shown of each group."""


@dataclass(frozen=True)
class ModelComparison:
    """Predictions of several models on one photo.

    Args:
        scores: by model name, over the same categories.
        look_seconds, score_seconds: by model name, for looking at the photo and for scoring all categories.
    """

    scores: Scores = field(repr=False)
    look_seconds: Mapping[str, float]
    score_seconds: Mapping[str, float]

    @property
    def total(self) -> int:
        """Number of categories that were compared."""
        return len(next(iter(self.scores.values())))

    @cached_property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """All categories by group: those that differ by the difference of their probabilities, the others by the
        highest probability, the largest first."""
        found = np.stack([prediction.probabilities for prediction in self.scores.values()])
        thresholds = np.array([prediction.vocabulary.thresholds for prediction in self.scores.values()], np.float32)
        votes = (found > thresholds).sum(axis=0)
        tags = next(iter(self.scores.values())).vocabulary.tags
        apart, highest = found.max(axis=0) - found.min(axis=0), found.max(axis=0)
        chosen = {
            DIFFER: ((votes > 0) & (votes < len(found)), apart),
            YES: (votes == len(found), highest),
            NO: (votes == 0, highest),
        }
        return {
            group: tuple(tags[index] for index in np.argsort(-by, kind="stable") if mask[index])
            for group, (mask, by) in chosen.items()
        }

    def shown(self) -> dict[str, tuple[str, ...]]:
        """The first :data:`MAX_SHOWN` categories of each group."""
        return {group: tags[:MAX_SHOWN] for group, tags in self.groups.items()}

    def rows(self) -> list[dict[str, Any]]:
        """A row for each shown category: the verdict, the probability of each model, and the difference."""
        rows = []
        for group, tags in self.shown().items():
            for tag in tags:
                found = {model: round(prediction[tag].probability, 4) for model, prediction in self.scores.items()}
                apart = round(max(found.values()) - min(found.values()), 4)
                rows.append({"category": tag, "verdict": group, **found, "apart": apart})
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
    return ModelComparison(scores, {model: photo.seconds[model] for model in scores}, seconds)
