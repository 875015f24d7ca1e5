"""Build a benchmark from the keys of classes that each image has, and refuse what does not fit by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ram.errors import InputError
from ram.evaluation.benchmarks import Benchmark
from ram.evaluation.importers.class_lists import BenchmarkClass
from ram.evaluation.pictures import sound_pictures
from ram.images.folders import find_images


def annotated(
    name: str,
    classes: Sequence[BenchmarkClass],
    pictures: Mapping[str, Path],
    present: Mapping[str, Iterable[str]],
    unknown: Mapping[str, Iterable[str]] | None = None,
) -> Benchmark:
    """Build a benchmark.

    Args:
        name: name to use in tables.
        classes: (tags,) the evaluated classes.
        pictures: image to file.
        present: image to the keys of the classes that it has; keys of other classes are left out.
        unknown: image to the keys of the classes of which nobody knows; every decision counts where None.

    Raises:
        InputError: there is no image.
        ImageError: images are missing or their headers are unreadable; the message names them.
    """
    names = tuple(present)
    files = sound_pictures(names, pictures, name)
    known = None if unknown is None else ~_marked([unknown.get(image, ()) for image in names], classes)
    targets = _marked([present[image] for image in names], classes)
    return Benchmark(name, tuple(one.tag for one in classes), files, targets, known)


def files_by_name(folder: Path) -> dict[str, Path]:
    """Name to file of the images in a folder and its sub-folders.

    Raises:
        InputError: two images have one name.
        ImageError: the folder holds no image.
    """
    files: dict[str, Path] = {}
    for file in find_images([folder]):
        if file.name in files:
            raise InputError(f"{folder.name} holds {file.name} twice, also in {file.parent.name}: remove one of them")
        files[file.name] = file
    return files


def refuse_repeated(names: Iterable[str], where: str) -> None:
    """Refuse names that occur twice.

    Raises:
        InputError: the first of them.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(f"{where} holds {name} twice: keep one entry a picture")
        seen.add(name)


def _marked(keys: Sequence[Iterable[str]], classes: Sequence[BenchmarkClass]) -> NDArray[np.bool_]:
    """(images, tags) booleans."""
    columns = {one.key: column for column, one in enumerate(classes)}
    marked = np.zeros((len(keys), len(classes)), dtype=bool)
    for row, each in enumerate(keys):
        marked[row, [columns[key] for key in each if key in columns]] = True
    return marked
