"""A check of cleaning: wrong tags are planted, and those that are struck out are counted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ram.errors import InputError
from ram.training.data_engine.region_looks import Pair

MOST_DRAWS = 100
"""Draws after which a tag stays right, where its image has nearly all tags."""


@dataclass(frozen=True)
class Recovery:
    """Precision and recall of the cleaning, measured with errors that were planted.

    Args:
        planted: number of wrong tags.
        struck: number of tags that were struck out.
        recall: fraction of the planted tags that were struck out.
        precision: fraction of the struck tags that were planted. Others may be wrong, too, so that this is a lower
            bound of the precision.
        chance: precision of striking out at random: the fraction of planted tags among all.
    """

    planted: int
    struck: int
    recall: float
    precision: float
    chance: float


def plant_errors(
    triplets: Sequence[dict[str, Any]], ids: Collection[int], share: float, seed: int = 0
) -> tuple[list[dict[str, Any]], frozenset[Pair]]:
    """Replace a share of the tags by others that their images lack, drawn as often as they occur.

    Args:
        triplets: with ``union_label_id``.
        ids: only these tags are replaced and drawn.
        share: fraction of the tags that are replaced, 0..1.
        seed: of the draw.

    Returns:
        Triplets without ``parse_label_id``, and the planted tags.

    Raises:
        InputError: the share is no fraction, or fewer than two of the tags occur.
    """
    if not 0 < share < 1:
        raise InputError(f"the share of planted errors must be between 0 and 1, not {share}")
    allowed = set(ids)
    pairs = [(n, id_) for n, triplet in enumerate(triplets) for id_ in triplet["union_label_id"] if id_ in allowed]
    if len({id_ for _, id_ in pairs}) < 2:
        raise InputError("errors are planted by exchanging tags, but fewer than two tags occur")
    generator = np.random.default_rng(seed)
    changed = [{**triplet, "union_label_id": list(triplet["union_label_id"])} for triplet in triplets]
    for triplet in changed:
        triplet.pop("parse_label_id", None)
    planted = set()
    for at in generator.choice(len(pairs), round(share * len(pairs)), replace=False):
        index, right = pairs[at]
        own = changed[index]["union_label_id"]
        drawn = (pairs[at][1] for at in generator.integers(len(pairs), size=MOST_DRAWS))
        wrong = next((id_ for id_ in drawn if id_ not in own and id_ not in triplets[index]["union_label_id"]), None)
        if wrong is not None:
            own[own.index(right)] = wrong
            planted.add((index, wrong))
    return changed, frozenset(planted)


def recovery(struck: Collection[Pair], planted: Collection[Pair], judged: Collection[Pair]) -> Recovery:
    """Compare what was struck out with what was planted, among the pairs that were judged."""
    planted, struck = set(planted) & set(judged), set(struck)
    hits = len(planted & struck)
    return Recovery(
        len(planted),
        len(struck),
        hits / max(len(planted), 1),
        hits / max(len(struck), 1),
        len(planted) / max(len(set(judged)), 1),
    )
