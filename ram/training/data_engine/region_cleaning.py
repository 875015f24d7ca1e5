"""RAM's cleaning (section 3.3): strike out a tag whose region is unlike those of other images, or is not recognized."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ram.errors import InputError, MissingPackageError
from ram.text.vocabulary import TagVocabulary
from ram.training.data_engine.region_looks import Pair, RegionLooks


@dataclass(frozen=True)
class CleaningRules:
    """Settings that decide which tags are struck out.

    Args:
        outlying: fraction of a tag's images whose regions are farthest from the centres of their clusters; the paper
            takes 10 %.
        clusters: of K-means++; the paper does not say how many.
        least: a tag on fewer images is not clustered.
        of_threshold: share of each tag's own threshold over which the tagger recognizes a region. The paper takes the
            threshold itself, which is 1; nothing is struck out for it where 0.
        seen_over: the same probability for all tags instead; None takes ``of_threshold``.

    Raises:
        InputError: a value is out of range.
    """

    outlying: float = 0.1
    clusters: int = 3
    least: int = 20
    of_threshold: float = 0.05
    seen_over: float | None = None

    def over(self, threshold: float) -> float:
        """The probability over which a region of a tag with this threshold is recognized."""
        return self.of_threshold * threshold if self.seen_over is None else self.seen_over

    def __post_init__(self) -> None:
        if not (0 <= self.outlying < 1 and 1 <= self.clusters <= self.least):
            raise InputError(
                f"outlying must be a fraction under 1 and clusters from 1 to {self.least}, the least images of a tag, "
                f"not {self.outlying} and {self.clusters}"
            )


@dataclass(frozen=True)
class Struck:
    """Pairs that are struck out, and why; a pair may be in both.

    Args:
        outlying: far from the centres of the clusters of its tag.
        unseen: no region was recognized.
    """

    outlying: frozenset[Pair]
    unseen: frozenset[Pair]

    @cached_property
    def pairs(self) -> frozenset[Pair]:
        """All pairs that are struck out."""
        return self.outlying | self.unseen


def strike_out(looks: RegionLooks, labels: TagVocabulary, known: TagVocabulary, rules: CleaningRules) -> Struck:
    """Choose the pairs that are struck out, tag by tag.

    Args:
        looks: the regions.
        labels: the label system whose ids the pairs use.
        known: the tagger's own tags with their thresholds; it has every tag of the pairs.
        rules: what is struck out.

    Raises:
        MissingPackageError: scikit-learn is not installed.
    """
    outlying: set[Pair] = set()
    unseen: set[Pair] = set()
    for tag, of_pairs in looks.rows_of_tags().items():
        over = rules.over(known.thresholds[known.id(labels.tags[tag])])
        if over > 0:
            unseen |= {pair for pair, own in of_pairs.items() if looks.probabilities[own].max() <= over}
        if len(of_pairs) >= rules.least:
            distances = _distances(looks.features, of_pairs, rules.clusters)
            count = int(rules.outlying * len(of_pairs))
            outlying |= {pair for pair, _ in sorted(distances.items(), key=lambda item: -item[1])[:count]}
    return Struck(frozenset(outlying), frozenset(unseen))


def without_struck(triplets: Sequence[dict[str, Any]], struck: Struck) -> Iterator[dict[str, Any]]:
    """Yield the triplets without the tags that are struck out; all other fields stay."""
    gone_of: dict[int, set[int]] = {}
    for index, tag in struck.pairs:
        gone_of.setdefault(index, set()).add(tag)
    for index, triplet in enumerate(triplets):
        gone = gone_of.get(index, set())
        changed = {**triplet, "union_label_id": [id_ for id_ in triplet["union_label_id"] if id_ not in gone]}
        if "parse_label_id" in triplet:
            changed["parse_label_id"] = [[id_ for id_ in ids if id_ not in gone] for ids in triplet["parse_label_id"]]
        yield changed


def counts(triplets: Sequence[dict[str, Any]], labels: TagVocabulary, struck: Struck) -> list[dict[str, Any]]:
    """Images of each tag that occurs: before and after, and how many went for each reason; the most frequent first."""
    before = Counter(id_ for triplet in triplets for id_ in triplet["union_label_id"])
    far, unseen, gone = (Counter(tag for _, tag in pairs) for pairs in (struck.outlying, struck.unseen, struck.pairs))
    return [
        {
            "tag": labels.tags[id_],
            "before": count,
            "outlying": far[id_],
            "unseen": unseen[id_],
            "after": count - gone[id_],
        }
        for id_, count in before.most_common()
    ]


def _distances(
    features: NDArray[np.float32], of_pairs: dict[Pair, list[int]], clusters: int
) -> dict[Pair, float]:
    """Distance of each pair's nearest region to the centre of its cluster."""
    try:
        from sklearn.cluster import KMeans
    except ImportError:
        raise MissingPackageError("clusters of regions need scikit-learn: pip install -e '.[clean]'") from None
    rows = np.array([row for own in of_pairs.values() for row in own])
    means = KMeans(clusters, init="k-means++", n_init=4, random_state=0).fit(features[rows])
    nearest = dict(zip(rows.tolist(), means.transform(features[rows]).min(axis=1), strict=True))
    return {pair: float(min(nearest[row] for row in own)) for pair, own in of_pairs.items()}
