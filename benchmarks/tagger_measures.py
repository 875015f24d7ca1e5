"""Figures of one method on labelled photos, and others' results as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks.labelled_photos import LabelledPhotos
from ram.errors import InputError
from ram.evaluation.benchmarks import evaluate
from ram.evaluation.metrics import Floats
from ram.evaluation.reliability import expected_calibration_error
from ram.text.files import read_json


@dataclass(frozen=True, eq=False)
class Result:
    """Answers of a method about all photos of a part.

    Args:
        name: for the table.
        scores: (photos, tags) in 0..1.
        thresholds: (tags,), or one for all; a tag is predicted where its score is greater.
        probabilities: whether the scores are probabilities; else neither mAP nor calibration is measured.
        seconds: by the clock, a photo; None where not measured here.
        processor_seconds: a photo; None where not measured.
        tokens: of a language model, a photo; None for other methods.
        note: said below the table.
    """

    name: str
    scores: Floats
    thresholds: ArrayLike
    probabilities: bool = True
    seconds: float | None = None
    processor_seconds: float | None = None
    tokens: float | None = None
    note: str = ""


def measure(result: Result, photos: LabelledPhotos) -> dict[str, Any]:
    """Return the row of a method: fractions in 0..1, counts and times a photo; None where it has no such figure.

    Raises:
        ValueError: the scores do not fit the photos and tags.
    """
    benchmark = photos.benchmark
    known = np.ones_like(benchmark.targets) if benchmark.known is None else benchmark.known
    report = evaluate(result.scores, benchmark, result.thresholds)
    predicted = result.scores > np.asarray(result.thresholds)
    averages = report.rates.averages()
    calibration = expected_calibration_error(result.scores[known], benchmark.targets[known])
    return {
        "method": result.name,
        "photos": len(benchmark.pictures),
        "mAP": report.mean_average_precision() if result.probabilities else None,
        "precision": averages["OP"],
        "recall": averages["OR"],
        "precision_mean_over_tags": averages["CP"],
        "recall_mean_over_tags": averages["CR"],
        "hard_negatives_predicted": _share(predicted[photos.hard]),
        "calibration_error": calibration if result.probabilities else None,
        "tags_a_photo": float((predicted & known).sum(axis=1).mean()),
        "seconds_a_photo": result.seconds,
        "processor_seconds_a_photo": result.processor_seconds,
        "tokens_a_photo": result.tokens,
        "note": result.note,
    }


def read_result(path: Path, photos: LabelledPhotos) -> Result:
    """Read another tagger's results.

    The file is ``{"name": "...", "scores": {"photo.jpg": {"dog": 0.9, ...}, ...}}``, or with ``"tags": {"photo.jpg":
    ["dog", ...], ...}`` for a method without probabilities. Tags that it leaves out count as 0, and tags that the
    benchmark does not have are ignored. ``"threshold"`` (0.5), ``"seconds_a_photo"`` and ``"tokens_a_photo"`` may be
    given.

    Raises:
        InputError: the file has another form, lacks a photo of this part, or holds a score outside 0..1.
    """
    content = read_json(path)
    kinds = [kind for kind in ("scores", "tags") if isinstance(content, dict) and isinstance(content.get(kind), dict)]
    if len(kinds) != 1 or not isinstance(content.get("name"), str):
        raise InputError(f'{path.name} must be {{"name": "...", "scores": {{"photo.jpg": {{"dog": 0.9}}}}}}, or "tags"')
    given = content[kinds[0]]
    columns = {tag: column for column, tag in enumerate(photos.benchmark.tags)}
    names = [picture.name for picture in photos.benchmark.pictures]
    if missing := [name for name in names if name not in given]:
        raise InputError(f"{path.name} lacks {len(missing)} of {len(names)} photos, such as {missing[0]}")
    scores = np.zeros((len(names), len(columns)))
    for row, name in enumerate(names):
        of = given[name] if kinds[0] == "scores" else dict.fromkeys(given[name], 1.0)
        for tag, score in of.items():
            if not isinstance(score, (int, float)) or not 0 <= score <= 1:
                raise InputError(f"{path.name} gives {name} the score {score!r} for {tag!r}: scores are in 0..1")
            if tag in columns:
                scores[row, columns[tag]] = score
    return Result(
        content["name"],
        scores,
        float(content.get("threshold", 0.5)),
        probabilities=kinds[0] == "scores",
        seconds=content.get("seconds_a_photo"),
        tokens=content.get("tokens_a_photo"),
        note=f"from {path.name}",
    )


def _share(answers: NDArray[np.bool_]) -> float | None:
    return float(answers.mean()) if answers.size else None
