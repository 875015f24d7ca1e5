"""Pascal VOC: objects of 20 classes; an object that is hard to recognize counts neither way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from ram.errors import InputError
from ram.evaluation.benchmarks import Benchmark
from ram.evaluation.importers.annotated import annotated, refuse_repeated
from ram.evaluation.importers.class_lists import BenchmarkClass
from ram.text.files import read_lines, read_text

MOST_CHARACTERS = 1_000_000
"""Length of an annotation beyond which it is not parsed."""


def read_voc(
    name: str, classes: Sequence[BenchmarkClass], split: Path, annotations: Path, pictures: Path
) -> Benchmark:
    """Read the annotations of the images that a split lists.

    A class whose objects in an image are all marked as difficult is unknown there, as in the classification task.

    Args:
        name: name to use in tables.
        classes: the evaluated classes; their keys are the names of VOC.
        split: text file with one image a line, without ending.
        annotations: folder with one XML file for each image.
        pictures: folder with the images, ending in ``.jpg``.

    Raises:
        InputError: an annotation is missing, has another form or another class, or the split names an image twice.
        ImageError: images are missing or their headers are unreadable; the message names them.
    """
    images = [line.split()[0] for line in read_lines(split)]
    refuse_repeated(images, split.name)
    objects = {image: _objects(annotations / f"{image}.xml", {one.key for one in classes}) for image in images}
    present = {image: [key for key, difficult in found.items() if not difficult] for image, found in objects.items()}
    unknown = {image: [key for key, difficult in found.items() if difficult] for image, found in objects.items()}
    return annotated(name, classes, {image: pictures / f"{image}.jpg" for image in images}, present, unknown)


def _objects(file: Path, keys: set[str]) -> dict[str, bool]:
    """Class to whether all of its objects are difficult."""
    text = read_text(file)
    if len(text) > MOST_CHARACTERS or "<!" in text:  # entities can grow without end
        raise InputError(f"{file.name} is not an annotation of VOC: it is too long or declares entities")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise InputError(f"{file.name} is not XML: {error}") from None
    found: dict[str, bool] = {}
    for each in root.iter("object"):
        key = (each.findtext("name") or "").strip()
        if key not in keys:
            raise InputError(f"{file.name} has an object of the class {key!r}, which is not one of VOC's {len(keys)}")
        difficult = (each.findtext("difficult") or "0").strip() == "1"
        found[key] = found.get(key, True) and difficult
    return found
