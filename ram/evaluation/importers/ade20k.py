"""ADE20k: the classes of a segmentation, read from pictures of class numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ram.errors import ImageError, InputError
from ram.evaluation.benchmarks import Benchmark
from ram.evaluation.importers.annotated import annotated, files_by_name
from ram.evaluation.importers.class_lists import BenchmarkClass
from ram.images.opening import check_image

CLASSES = 150


def read_ade20k(name: str, classes: Sequence[BenchmarkClass], segmentations: Path, pictures: Path) -> Benchmark:
    """Read segmentations as of the scene parsing challenge: 0 for no class, else a class number up to 150.

    An image has the tag of every class with a pixel.

    Args:
        name: name to use in tables.
        classes: the evaluated classes; their keys are class numbers.
        segmentations: folder with one PNG for each image.
        pictures: folder with the images, of the same names ending in ``.jpg``.

    Raises:
        InputError: two files have one name.
        ImageError: images are missing, unreadable, or no segmentations; the message names them.
    """
    present = {}
    for file in files_by_name(segmentations).values():
        present[f"{file.stem}.jpg"] = [str(number) for number in _numbers(file)]
    return annotated(name, classes, files_by_name(pictures), present)


def _numbers(file: Path) -> list[int]:
    """Class numbers in a segmentation."""
    check_image(file)
    try:
        with Image.open(file) as image:
            mode, values = image.mode, np.unique(np.asarray(image))
    except (OSError, ValueError, SyntaxError) as error:
        raise ImageError(f"{file.name} is broken: {error}") from None
    if mode not in ("L", "P"):
        raise InputError(f"{file.name} has colours ({mode}), not class numbers: take ADEChallengeData2016")
    if values[-1] > CLASSES:
        raise InputError(f"{file.name} has the class {values[-1]}, but there are {CLASSES}: take ADEChallengeData2016")
    return [int(value) for value in values if value]
