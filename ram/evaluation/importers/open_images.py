"""OpenImages: human-verified labels of the test images."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from ram.errors import InputError
from ram.evaluation.benchmarks import Benchmark
from ram.evaluation.importers.annotated import annotated
from ram.evaluation.importers.class_lists import BenchmarkClass
from ram.text.files import read_rows, read_table

COLUMNS = ("ImageID", "LabelName", "Confidence")
MOST_NAMED = 8
_QUALIFIER = re.compile(r" \([^()]*\)$")


def read_open_images(
    name: str,
    classes: Sequence[BenchmarkClass],
    labels: Path,
    descriptions: Path,
    pictures: Path,
    verified_only: bool = False,
) -> Benchmark:
    """Read the verified labels: confidence 1 where a person confirmed the label, 0 where one denied it.

    Args:
        name: name to use in tables.
        classes: the evaluated classes; a key is a display name, or several between bars of which the first that the
            descriptions have counts.
        labels: CSV with the columns of :data:`COLUMNS`.
        descriptions: CSV with a label name and a display name in each row.
        pictures: folder with ``ID.jpg``.
        verified_only: whether a decision counts only where a person confirmed or denied the label, on all images with
            such a label. Otherwise, as in the papers, a label that was not confirmed counts as absent, on the images
            with a confirmed label.

    Raises:
        InputError: a file has another form, or a class has no description.
        ImageError: images are missing or their headers are unreadable; the message names them.
    """
    keys = _label_names(classes, descriptions)
    confirmed: defaultdict[str, set[str]] = defaultdict(set)
    denied: defaultdict[str, set[str]] = defaultdict(set)
    for line, row in read_table(labels, COLUMNS):
        if row["Confidence"] not in ("0", "1", "0.0", "1.0"):
            raise InputError(f"line {line} of {labels.name} has the confidence {row['Confidence']!r}, not 0 or 1")
        verdict = confirmed if float(row["Confidence"]) else denied
        for key in keys.get(row["LabelName"], ()):
            verdict[row["ImageID"]].add(key)
    images = sorted({*confirmed, *denied} if verified_only else confirmed)
    present = {image: confirmed.get(image, set()) for image in images}
    every = {one.key for one in classes}
    unknown = {image: every - present[image] - denied.get(image, set()) for image in images} if verified_only else None
    return annotated(name, classes, {image: pictures / f"{image}.jpg" for image in images}, present, unknown)


read_verified_open_images = partial(read_open_images, verified_only=True)
"""Read the labels such that only verified decisions count."""


def _label_names(classes: Sequence[BenchmarkClass], descriptions: Path) -> Mapping[str, Sequence[str]]:
    """Label name, such as "/m/01226z", to the keys of its classes.

    Display names are compared regardless of case, and without a qualifier in brackets where none fits with it.
    """
    exact: defaultdict[str, list[str]] = defaultdict(list)
    plain: defaultdict[str, list[str]] = defaultdict(list)
    for line, cells in read_rows(descriptions)[1]:
        if len(cells) < 2:
            raise InputError(f"line {line} of {descriptions.name} is not a label name and a display name")
        exact[cells[1].casefold()].append(cells[0])
        plain[_QUALIFIER.sub("", cells[1]).casefold()].append(cells[0])
    keys: defaultdict[str, list[str]] = defaultdict(list)
    missing = []
    for one in classes:
        names = one.key.casefold().split("|")
        found = next((known[each] for known in (exact, plain) for each in names if each in known), [])
        for label in found:
            keys[label].append(one.key)
        if not found:
            missing.append(one.key.replace("|", " or "))
    if missing:
        named = ", ".join(missing[:MOST_NAMED]) + (" and others" if missing[MOST_NAMED:] else "")
        raise InputError(f"{descriptions.name} lacks {len(missing)} of {len(classes)} classes: {named}")
    return keys
