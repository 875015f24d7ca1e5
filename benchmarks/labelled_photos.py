"""The labelled photos of ``assets/benchmark``: which tags each shows, which are doubtful, which easily mistaken.

Form of the files, all CSV with a header line:

    labels.csv   photo, present, doubtful, hard_negatives; the last three are tags between semicolons. A tag that is
                 neither present nor doubtful is absent. A hard negative is absent, but something like it is there.
    tags.csv     tag, kind, implies: tags between semicolons that are present wherever the tag is.
    SOURCES.csv  where each photo comes from, who made it and under which licence it may be passed on.
    review.csv   labels that the second review changed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ram.errors import InputError
from ram.evaluation.benchmarks import Benchmark
from ram.evaluation.pictures import sound_pictures
from ram.text.files import read_table

FOLDER = Path(__file__).parents[1] / "assets" / "benchmark"
MARKS = ("present", "doubtful", "hard_negatives")
PARTS = ("choice", "held-out", "all")
"""The held-out part is for measuring only: nothing is chosen by it."""


@dataclass(frozen=True, eq=False)
class LabelledPhotos:
    """A part of the benchmark.

    Args:
        benchmark: photos, tags, what is present, and which decisions count: not the doubtful ones.
        hard: (photos, tags) True for hard negatives.
        kinds: (tags,) kind of each tag.
    """

    benchmark: Benchmark
    hard: NDArray[np.bool_]
    kinds: tuple[str, ...]


def is_held_out(name: str) -> bool:
    """Whether a photo belongs to the held-out third, by a hash of its file name."""
    return int(hashlib.sha256(f"benchmark:{name}".encode()).hexdigest(), 16) % 3 == 0


def load_labelled(part: str = "all", folder: Path = FOLDER) -> LabelledPhotos:
    """Read a part of the benchmark.

    Raises:
        InputError: there is no such part, or the files contradict each other.
        ImageError: photos are missing or unreadable; the message names them.
    """
    if part not in PARTS:
        raise InputError(f"there is no part {part!r}: choose one of {', '.join(PARTS)}")
    kinds = {row["tag"]: row["kind"] for _, row in read_table(folder / "tags.csv", ("tag", "kind", "implies"))}
    tags = tuple(kinds)
    columns = {tag: column for column, tag in enumerate(tags)}
    rows = [
        row
        for _, row in read_table(folder / "labels.csv", ("photo", *MARKS))
        if part == "all" or is_held_out(row["photo"]) == (part == "held-out")
    ]
    marked = np.zeros((3, len(rows), len(tags)), dtype=bool)
    for place, row in enumerate(rows):
        for kind, mark in enumerate(MARKS):
            for tag in filter(None, row[mark].split(";")):
                if tag not in columns:
                    raise InputError(f"labels.csv names {tag!r} for {row['photo']}, which is not in tags.csv")
                marked[kind, place, columns[tag]] = True
    if (marked.sum(axis=0) > 1).any():
        raise InputError("labels.csv gives a tag twice to a photo: it is present, doubtful or a hard negative")
    names = [row["photo"] for row in rows]
    pictures = sound_pictures(names, {name: folder / "photos" / name for name in names}, "labels.csv")
    benchmark = Benchmark(f"labelled photos, {part}", tags, pictures, marked[0], ~marked[1])
    return LabelledPhotos(benchmark, marked[2], tuple(kinds.values()))
