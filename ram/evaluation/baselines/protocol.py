"""Protocol of the baselines: a photo in, one score for each tag out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from ram.errors import ImageError, InputError
from ram.evaluation.benchmarks import Benchmark, Report, evaluate
from ram.evaluation.metrics import Floats
from ram.evaluation.pictures import unusable
from ram.images.opening import open_image
from ram.runtime import Progress, quiet

THRESHOLD = 0.5
"""Score over which a baseline predicts a tag, unless another one is chosen."""

Sentences = Mapping[str, Sequence[str]]
"""Tags in order, each with the sentences that stand for it."""


class Baseline(Protocol):
    """A way to tag that was given its tags when it was made.

    Attributes:
        name: for tables.
        tags: (tags,) in the order of the scores.
        probabilities: whether the scores are probabilities; False for answers without one, which are 0 or 1.
    """

    name: str
    tags: tuple[str, ...]
    probabilities: bool

    def score(self, picture: Image.Image) -> Floats:
        """Return (tags,) scores in 0..1 of an RGB image."""
        ...


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores of a set of images.

    Args:
        scores: (images, tags) in 0..1.
        seconds: by the clock, opening of the images included.
        processor_seconds: of this process, all its threads together.
    """

    scores: Floats
    seconds: float
    processor_seconds: float


def score_with(baseline: Baseline, pictures: Sequence[Path], progress: Progress = quiet) -> Scored:
    """Score images one by one.

    Raises:
        ImageError: some images cannot be read; the message names them.
    """
    rows, faults = [], []
    clock, processor = time.perf_counter(), time.process_time()
    for done, path in enumerate(pictures):
        progress(f"{baseline.name} looks at the pictures", done, len(pictures))
        try:
            picture = open_image(path)
        except ImageError as error:
            faults.append(str(error))
            continue
        if not faults:
            rows.append(baseline.score(picture))
    if faults:
        raise unusable(faults, f"{len(pictures)} pictures")
    return Scored(np.stack(rows), time.perf_counter() - clock, time.process_time() - processor)


def evaluate_baseline(
    baseline: Baseline, benchmark: Benchmark, progress: Progress = quiet, tune: str | None = None
) -> Report:
    """Measure a baseline on a benchmark as :func:`ram.evaluation.tagging.evaluate_tagger` measures a tagger.

    Raises:
        InputError: the baseline lacks a tag of the benchmark, or ``tune`` is no goal.
        ImageError: some images cannot be read; the message names them.
    """
    columns = {tag: column for column, tag in enumerate(baseline.tags)}
    if missing := [tag for tag in benchmark.tags if tag not in columns]:
        raise InputError(f'{baseline.name} was not given the tag "{missing[0]}" of {benchmark.name}: make it with it')
    scores = score_with(baseline, benchmark.pictures, progress).scores
    return evaluate(
        scores[:, [columns[tag] for tag in benchmark.tags]], benchmark, THRESHOLD, predefined=False, tune=tune
    )
