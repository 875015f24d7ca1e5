"""ImageNet-Multi: the validation images of ImageNet with the reassessed labels, several an image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ram.errors import InputError
from ram.evaluation.benchmarks import Benchmark
from ram.evaluation.importers.annotated import annotated, files_by_name
from ram.evaluation.importers.class_lists import BenchmarkClass
from ram.text.files import read_json

CLASSES = 1000


def read_imagenet_real(name: str, classes: Sequence[BenchmarkClass], labels: Path, pictures: Path) -> Benchmark:
    """Read ``real.json``, one list of class numbers for each validation image in order.

    Images with an empty list are left out, as the authors of the labels ask: the raters found no class that fits.

    Args:
        name: name to use in tables.
        classes: the evaluated classes; their keys are class numbers.
        labels: ``real.json``.
        pictures: folder with ``ILSVRC2012_val_00000001.JPEG`` and so on, in one folder or in one for each class.

    Raises:
        InputError: the labels have another form, or two images have one name.
        ImageError: images are missing or their headers are unreadable; the message names them.
    """
    document = read_json(labels)
    if not isinstance(document, list):
        raise InputError(f"{labels.name} must be a list with one list of class numbers for each image")
    present = {}
    for number, each in enumerate(document, 1):
        if not isinstance(each, list) or not all(type(one) is int and 0 <= one < CLASSES for one in each):
            raise InputError(f"entry {number} of {labels.name} is not a list of class numbers from 0 to {CLASSES - 1}")
        if each:
            present[f"ILSVRC2012_val_{number:08}.JPEG"] = map(str, each)
    return annotated(name, classes, files_by_name(pictures), present)
