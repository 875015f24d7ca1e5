"""COCO: boxes of 80 classes, or panoptic segments of 133, as tags of the image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ram.errors import InputError
from ram.evaluation.benchmarks import Benchmark
from ram.evaluation.importers.annotated import annotated, refuse_repeated
from ram.evaluation.importers.class_lists import BenchmarkClass
from ram.text.files import read_json


def read_coco(name: str, classes: Sequence[BenchmarkClass], annotations: Path, pictures: Path) -> Benchmark:
    """Read ``instances_*.json`` or ``panoptic_*.json``; an image has the tag of every box or segment, crowds included.

    Args:
        name: name to use in tables.
        classes: the evaluated classes; their keys are category ids.
        annotations: the JSON file.
        pictures: folder with the images.

    Raises:
        InputError: the file has another form or other categories, or names an image twice.
        ImageError: images are missing or their headers are unreadable; the message names them.
    """
    document = read_json(annotations)
    parts = ("images", "annotations", "categories")
    if not isinstance(document, dict) or not all(isinstance(document.get(part), list) for part in parts):
        raise InputError(f'{annotations.name} must be {{"images": [...], "annotations": [...], "categories": [...]}}')
    try:
        images = {image["id"]: str(image["file_name"]) for image in document["images"]}
        categories = {str(category["id"]): category["name"] for category in document["categories"]}
        pairs = list(_pairs(document["annotations"]))
    except (KeyError, TypeError) as error:
        raise InputError(f"{annotations.name} is not an annotation file of COCO: an entry lacks {error}") from None
    for one in classes:
        if categories.get(one.key) != one.name:
            found = categories.get(one.key, "missing")
            raise InputError(f"category {one.key} of {annotations.name} is {found}, but COCO's is {one.name}")
    refuse_repeated((str(image["file_name"]) for image in document["images"]), annotations.name)
    present: dict[str, set[str]] = {file: set() for file in images.values()}
    for image, category in pairs:
        if image not in images or category not in categories:
            raise InputError(f"{annotations.name} annotates image {image} with category {category}: one is not in it")
        present[images[image]].add(category)
    return annotated(name, classes, {file: pictures / file for file in present}, present)


def _pairs(annotations: Sequence[Any]) -> Iterator[tuple[Any, str]]:
    """Image and category of every box or segment."""
    for each in annotations:
        for part in each["segments_info"] if "segments_info" in each else (each,):
            yield each["image_id"], str(part["category_id"])
