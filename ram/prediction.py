"""Predictions: frozen scores of one image, with thresholds, descriptions and evidence behind them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ram.text.vocabulary import TagVocabulary


@dataclass(frozen=True)
class WeightedDescription:
    """One sentence about a tag and its re-weighting weight; the weights of a tag sum to 1."""

    text: str
    weight: float


@dataclass(frozen=True)
class Evidence:
    """The named terms that add up to a tag's logit.

    Args:
        terms: name and value, in the order decoder, pooled, classifier; only those the model has. Official
            models have the one term "decoder".
        threshold: probability over which the tag is present.
    """

    terms: tuple[tuple[str, float], ...]
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if not self.terms:
            raise ValueError("evidence needs at least one term")

    @property
    def logit(self) -> float:
        """Sum of the terms; its sigmoid is the probability."""
        return sum(value for _, value in self.terms)

    @property
    def decisive(self) -> str:
        """Name of the term that decided whether the tag is over its threshold.

        That is the first term, the decoder's, where it gives the same verdict alone; else the term that moves the
        logit furthest towards the verdict.
        """
        cutoff = logit(self.threshold)
        present = self.logit > cutoff
        name, alone = self.terms[0]
        if (alone > cutoff) == present:
            return name
        return max(self.terms, key=lambda term: term[1] if present else -term[1])[0]


@dataclass(frozen=True)
class TagScore:
    """Score of one tag.

    Args:
        tag: its name.
        probability: between 0 and 1.
        threshold: probability over which the tag is present.
        descriptions: the tag's sentences with their weights, heaviest first.
        evidence: the terms of the logit, where the prediction has them.
        translation: the tag in another language, "" where the vocabulary has none; Chinese for the official tags.
    """

    tag: str
    probability: float
    threshold: float
    descriptions: tuple[WeightedDescription, ...] = ()
    evidence: Evidence | None = None
    translation: str = ""

    @property
    def present(self) -> bool:
        """Whether the probability is strictly over the threshold, compared in float32 like the network's output."""
        return bool(np.float32(self.probability) > np.float32(self.threshold))

    @property
    def logit(self) -> float:
        """Sum of the terms, which tells probabilities near 1 apart; without them that of the probability."""
        return self.evidence.logit if self.evidence else logit(self.probability)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "tag": self.tag,
            "probability": round(self.probability, 6),
            "threshold": self.threshold,
            "descriptions": [{"text": d.text, "weight": round(d.weight, 6)} for d in self.descriptions],
        }


STRONGEST = 5
"""Tags that the strength of a prediction is the mean of."""


def strongest_logits(logits: np.ndarray) -> np.ndarray:
    """Mean of the five highest logits, (..., tags) to (...); of all where there are fewer.

    On photos like those of training a model is sure of some tags. On a gradient, a pattern or a screenshot no logit is
    high, although several may be over their thresholds.
    """
    return np.sort(logits, axis=-1)[..., -STRONGEST:].mean(axis=-1)


@dataclass(frozen=True)
class Strength:
    """Strength of a model's response to an image: the mean of the highest logits, with the cut of the model.

    Args:
        value: of :func:`strongest_logits` over the model's own vocabulary; typed categories do not change it.
        unlike_below: the cut, of :class:`ram.models.config.ModelConfig`.
    """

    value: float
    unlike_below: float

    @property
    def unlike(self) -> bool:
        """Whether the image is unlike the photos that the model was taught on: its tags may be wrong."""
        return self.value < self.unlike_below


@dataclass(frozen=True, eq=False)
class Prediction:
    """Scores of one image over one bank of tags.

    A :class:`TagScore` is made when it is asked for, so that thousands of tags with dozens of sentences cost nothing.

    Args:
        vocabulary: the tags that were scored.
        sentences: the descriptions of each tag, in the bank's order.
        probabilities: (tags,) in 0..1.
        weights: (tags, descriptions) re-weighting weights; entries past a tag's own descriptions are ignored.
        terms: (tags,) each, by name, in the order of :class:`Evidence`; they add up to the logits.
        strength: of the model's response to the image. None where the model has no cut, and where a bank without the
            model's own vocabulary was given to :meth:`ram.tagger.Tagger.score`.
    """

    vocabulary: TagVocabulary
    sentences: Sequence[Sequence[str]] = field(repr=False)
    probabilities: np.ndarray = field(repr=False)
    weights: np.ndarray = field(repr=False)
    terms: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    strength: Strength | None = None

    def __post_init__(self) -> None:
        tags = len(self.vocabulary)
        if self.probabilities.shape != (tags,):
            raise ValueError(
                f"vocabulary has {tags} tags but probabilities are of shape {self.probabilities.shape}"
            )
        if len(self.sentences) != tags or self.weights.shape[:1] != (tags,):
            raise ValueError(f"vocabulary has {tags} tags: descriptions and weights need one row per tag")
        if any(term.shape != (tags,) for term in self.terms.values()):
            raise ValueError(f"vocabulary has {tags} tags: every term needs one value per tag")

    def __len__(self) -> int:
        return len(self.vocabulary)

    def __iter__(self) -> Iterator[TagScore]:
        """Every tag, most probable first."""
        return (self._score(i) for i in self._order)

    def __getitem__(self, tag: str) -> TagScore:
        """The score of one tag; ValueError where it was not scored."""
        return self._score(self.vocabulary.id(tag))

    @property
    def unlike(self) -> bool:
        """Whether the image is unlike the photos that the model was taught on; False where that is not known."""
        return self.strength is not None and self.strength.unlike

    @property
    def tags(self) -> list[str]:
        """Names of the tags over their own thresholds, most probable first."""
        return [self.vocabulary.tags[i] for i in self._order if self._present[i]]

    def top(self, k: int) -> list[TagScore]:
        """The ``k`` most probable tags, whatever their thresholds."""
        return [self._score(i) for i in self._order[: max(k, 0)]]

    def above(self, threshold: float | None = None) -> list[TagScore]:
        """Tags strictly over ``threshold``, or over their own where it is None, most probable first."""
        present = self._present if threshold is None else self._over(threshold)
        return [self._score(i) for i in self._order if present[i]]

    def next_best(self, k: int) -> list[TagScore]:
        """The ``k`` most probable of the tags that are not over their own thresholds."""
        return [self._score(i) for i in islice((i for i in self._order if not self._present[i]), k)]

    def select(self, tags: Sequence[str]) -> Prediction:
        """These tags only, in the order given; ValueError where one was not scored."""
        ids = [self.vocabulary.id(tag) for tag in tags]
        vocabulary, sentences = self.vocabulary.select(tags), [self.sentences[i] for i in ids]
        terms = {name: term[ids] for name, term in self.terms.items()}
        return Prediction(vocabulary, sentences, self.probabilities[ids], self.weights[ids], terms, self.strength)

    def to_dict(self, top: int | None = None, threshold: float | None = None) -> dict[str, Any]:
        """``{"tags", "scores"}`` for JSON, highest first; ``top`` and ``threshold`` limit what is listed.

        Where the strength is known, ``"unlike"`` stands before them.
        """
        scores = self.above(threshold) if threshold is not None else list(self)
        present = [s.tag for s in scores] if threshold is not None else self.tags
        known = {"unlike": self.unlike} if self.strength is not None else {}
        return {**known, "tags": present, "scores": [s.to_dict() for s in scores[:top]]}

    @cached_property
    def _order(self) -> np.ndarray:
        return np.argsort(-self.probabilities, kind="stable")

    @cached_property
    def _present(self) -> np.ndarray:
        return self._over(self.vocabulary.thresholds)

    def _over(self, thresholds: float | Sequence[float]) -> np.ndarray:
        return self.probabilities.astype(np.float32) > np.asarray(thresholds, np.float32)

    def _score(self, index: int) -> TagScore:
        sentences = self.sentences[index]
        weights = self.weights[index, : len(sentences)]
        heaviest = np.argsort(-weights, kind="stable")
        threshold = self.vocabulary.thresholds[index]
        terms = tuple((name, float(term[index])) for name, term in self.terms.items())
        return TagScore(
            self.vocabulary.tags[index],
            float(self.probabilities[index]),
            threshold,
            tuple(WeightedDescription(sentences[i], float(weights[i])) for i in heaviest),
            Evidence(terms, threshold) if terms else None,
            self.vocabulary.translations[index] if self.vocabulary.translations else "",
        )


def logit(probability: float) -> float:
    """Inverse of the sigmoid; infinite at 0 and 1."""
    if not 0 < probability < 1:
        return math.inf if probability >= 1 else -math.inf
    return math.log(probability / (1 - probability))


@dataclass(frozen=True, eq=False)
class Explanation:
    """Explanation of the score of one tag on one image.

    Args:
        score: the tag's score, with its evidence.
        weights: (descriptions,) of the re-weighting, in the bank's order; they sum to 1.
        without: (descriptions,) probability with each description left out, in the bank's order; empty where there is
            only one.
        attention: (rows, columns) attention of the tag's query to each patch in the decoder's last layer, averaged
            over heads. It shows where information was read from, not where the tag's object is.
        pooled: attention to the pooled token; together with ``attention`` it sums to 1.
        patch_effects: (rows, columns) what each patch adds to the decoder's logit: the logit minus that without the
            patch. Negative where the patch speaks against the tag.
    """

    score: TagScore
    weights: np.ndarray = field(repr=False)
    without: np.ndarray = field(repr=False)
    attention: np.ndarray = field(repr=False)
    pooled: float
    patch_effects: np.ndarray = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.without) not in (0, len(self.weights)):
            raise ValueError(f"{len(self.without)} probabilities do not fit {len(self.weights)} descriptions")
        for name, grid in (("attention", self.attention), ("patch_effects", self.patch_effects)):
            if grid.ndim != 2:
                raise ValueError(f"{name} is (rows, columns), not {grid.shape}")
