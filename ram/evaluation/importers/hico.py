"""HICO: phrases of a person, an action and an object, from a MATLAB file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ram.errors import InputError, MissingPackageError
from ram.evaluation.benchmarks import Benchmark
from ram.evaluation.importers.annotated import annotated, refuse_repeated
from ram.evaluation.importers.class_lists import BenchmarkClass

MOST_IMAGES = 1_000_000
"""Images beyond which the file is not read: a small MATLAB file can unpack to any size."""


def read_hico(name: str, classes: Sequence[BenchmarkClass], annotations: Path, pictures: Path) -> Benchmark:
    """Read ``anno.mat``: ``list_action`` (phrases,), ``list_test`` (images,) and ``anno_test`` (phrases, images).

    An entry is 1 where the image has the phrase, -1 where it has not, 0 where it is ambiguous, NaN where nobody looked.
    Only 1 counts as present and everything else as absent, as in the official benchmark of RAM.

    Args:
        name: name to use in tables.
        classes: the phrases in the order of the file; a key is "action object", such as "sit_on chair".
        annotations: ``anno.mat``.
        pictures: folder with the test images.

    Raises:
        InputError: the file has another form or other phrases, or names an image twice.
        ImageError: images are missing or their headers are unreadable; the message names them.
        MissingPackageError: SciPy is not installed.
    """
    actions, images, values = _load(annotations, len(classes))
    for number, (one, found) in enumerate(zip(classes, actions, strict=True), 1):
        if one.key != found:
            raise InputError(f'phrase {number} of {annotations.name} is "{found}", not "{one.key}" as in HICO')
    refuse_repeated(images, annotations.name)
    present = {image: [actions[i] for i in np.flatnonzero(values[:, n] == 1)] for n, image in enumerate(images)}
    return annotated(name, classes, {image: pictures / image for image in images}, present)


def _load(path: Path, phrases: int) -> tuple[list[str], list[str], Any]:
    """Phrases, image names and (phrases, images) values of a file whose shapes are checked before it is unpacked."""
    try:
        from scipy import io
    except ImportError:
        raise MissingPackageError("HICO's MATLAB file needs SciPy: pip install -e '.[benchmarks]'") from None
    try:
        shapes = {name: shape for name, shape, _ in io.whosmat(str(path))}
        images = shapes.get("anno_test", (0, 0))[-1]
        wanted = {"list_action": (phrases, 1), "list_test": (images, 1), "anno_test": (phrases, images)}
        if any(shapes.get(name) != shape for name, shape in wanted.items()) or not 0 < images <= MOST_IMAGES:
            held = ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "nothing"
            raise InputError(
                f"{path.name} must hold list_action ({phrases}, 1), list_test (images, 1) and "
                f"anno_test ({phrases}, images), but holds {held}"
            )
        read = io.loadmat(str(path), variable_names=list(wanted), simplify_cells=True)
        actions = [f"{one['vname']} {one['nname']}" for one in np.atleast_1d(read["list_action"])]
        names = [str(image) for image in np.atleast_1d(read["list_test"])]
        return actions, names, np.asarray(read["anno_test"], dtype=float).reshape(phrases, images)
    except InputError:
        raise
    except Exception as error:  # SciPy raises many kinds for broken files
        raise InputError(f"{path.name} is not a MATLAB file of HICO: {error}") from None
