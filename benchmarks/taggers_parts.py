"""Parts of labelled photos, so that photos scored once are measured in several parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.labelled_photos import LabelledPhotos, is_held_out
from benchmarks.tagger_measures import Result
from ram.errors import InputError


def rows_of_part(photos: LabelledPhotos, part: str) -> NDArray[np.int_]:
    """Indices of the photos that belong to a part."""
    wanted = {"all": (False, True), "choice": (False,), "held-out": (True,)}[part]
    return np.flatnonzero([is_held_out(picture.name) in wanted for picture in photos.benchmark.pictures])


def take_photos(photos: LabelledPhotos, rows: Sequence[int] | NDArray[np.int_]) -> LabelledPhotos:
    """Some of the photos with their labels.

    Raises:
        InputError: there are none.
    """
    if not len(rows):
        raise InputError(f"none of the photos of {photos.benchmark.name} is left: take more of them")
    benchmark = photos.benchmark
    some = replace(
        benchmark,
        pictures=tuple(benchmark.pictures[row] for row in rows),
        targets=benchmark.targets[rows],
        known=None if benchmark.known is None else benchmark.known[rows],
    )
    return LabelledPhotos(some, photos.hard[rows], photos.kinds)


def spread_photos(photos: LabelledPhotos, count: int | None) -> LabelledPhotos:
    """So many photos, spread over all; all where None or where there are no more."""
    total = len(photos.benchmark.pictures)
    if count is None or count >= total:
        return photos
    return take_photos(photos, np.linspace(0, total - 1, count).round().astype(int))


def take_rows(result: Result, rows: Sequence[int] | NDArray[np.int_]) -> Result:
    """The answers about some of the photos; times a photo stay those of the whole run."""
    return replace(result, scores=result.scores[rows])


def count_labels(photos: LabelledPhotos) -> dict[str, Any]:
    """Numbers of photos, tags, positives and hard negatives."""
    targets = photos.benchmark.targets
    return {
        "photos": len(targets),
        "tags": len(photos.benchmark.tags),
        "tags_with_a_positive": int(targets.any(axis=0).sum()),
        "present_a_photo": round(float(targets.sum(axis=1).mean()), 4),
        "hard_negatives": int(photos.hard.sum()),
    }
