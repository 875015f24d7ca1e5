"""The photos that stand for the papers' benchmarks at lite scale.

``DATA`` is the folder of "Training" in the README, with ``flickr8k/benchmarks`` in it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ram.evaluation.benchmarks import Benchmark, load_benchmark
from ram.evaluation.pictures import sound_pictures
from ram.labels.label_system import LabelSystem


@dataclass(frozen=True)
class LiteSet:
    """A benchmark and what it stands for.

    Args:
        title: for tables.
        photos: name of its images, which several benchmarks may share; also the name of their cached features.
        benchmark: the annotated images.
    """

    title: str
    photos: str
    benchmark: Benchmark


TITLES = {
    "common": "Flickr8k common",
    "uncommon": "Flickr8k uncommon",
    "coco128": "coco128",
    "corel5k": "Corel5k",
}
"""Name of each set in result files to its title in tables."""


def load_set(name: str, data: Path) -> LiteSet:
    """Read one of :data:`TITLES`.

    - ``common``: 155 tags that a label system is expected to hold, on the 1,000 test photos of Flickr8k.
    - ``uncommon``: 79 tags that no training label system holds, on the same photos.
    - ``coco128``: the 76 of COCO's 80 classes that occur on 244 photos.
    - ``corel5k``: the 263 words that occur on 499 test photos.

    Raises:
        InputError: an annotation is missing or malformed.
        ImageError: images are missing.
    """
    flickr = data / "flickr8k"
    if name == "coco128":
        return LiteSet(TITLES[name], name, _boxed(data / "broad"))
    if name == "corel5k":
        return LiteSet(TITLES[name], name, load_benchmark(data / "corel5k" / "test_tags.json"))
    name_of = {"common": "flickr8k_common_155", "uncommon": "flickr8k_uncommon_79"}
    folder = flickr / "benchmarks" / name_of[name]
    return LiteSet(TITLES[name], "flickr8k-test", load_benchmark(folder, flickr / "images"))


def _boxed(folder: Path) -> Benchmark:
    """Classes with a box, over all photos that were searched for boxes."""
    entries = json.loads((folder / "boxes.json").read_text(encoding="utf-8"))
    tags = sorted({box["tag"] for entry in entries for box in entry["boxes"]})
    targets = np.zeros((len(entries), len(tags)), dtype=bool)
    for row, entry in enumerate(entries):
        targets[row, [tags.index(box["tag"]) for box in entry["boxes"]]] = True
    names = [entry["image"] for entry in entries]
    files = sound_pictures(names, {name: folder / name for name in names}, "coco128")
    return Benchmark("coco128", tuple(tags), files, targets)


def flickr_split(data: Path, split: str, tags: Sequence[str]) -> Benchmark:
    """A split of Flickr8k annotated from its triplets, for the tags that are in the training label system.

    Args:
        data: folder with ``flickr8k_train.json`` or ``flickr8k_dev.json`` and ``labels`` of
            :mod:`benchmarks.training_data`.
        split: "train" or "dev".
        tags: columns of the targets; one that is not in the label system has no positive.
    """
    names = LabelSystem.load(data / "labels").vocabulary.tags
    columns = {tag.casefold(): column for column, tag in enumerate(tags)}
    entries = json.loads((data / f"flickr8k_{split}.json").read_text(encoding="utf-8"))
    targets = np.zeros((len(entries), len(tags)), dtype=bool)
    for row, entry in enumerate(entries):
        for id_ in entry["union_label_id"]:
            if (column := columns.get(names[id_].casefold())) is not None:
                targets[row, column] = True
    images = [entry["image_path"] for entry in entries]
    files = sound_pictures(images, {image: data / "flickr8k" / image for image in images}, f"flickr8k {split}")
    return Benchmark(f"flickr8k_{split}", tuple(tags), files, targets)


def chosen_rows(total: int, count: int) -> NDArray[np.int_]:
    """Indices of ``count`` of so many photos, always the same; of all where there are no more."""
    return np.sort(np.random.default_rng(0).choice(total, min(count, total), replace=False))


def photos_name(split: str, count: int, total: int) -> str:
    """Name of the cached features of so many photos of a split."""
    return f"flickr8k-{split}" if count >= total else f"flickr8k-{split}-{count}"
