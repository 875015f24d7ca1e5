"""mAP, precision and recall of the shipped models on all sets (RAM++, Tables 2, 6 and 8; RAM, Tables 2 and 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.lite.sets import LiteSet
from ram.evaluation.benchmarks import evaluate

Scores = NDArray[np.float32]
Source = Callable[[LiteSet], tuple[Scores, NDArray[np.float64]] | None]
"""Gives (images, tags) scores and (tags,) thresholds of a set; None where a method cannot score it."""


def tagging_rows(sources: Mapping[str, Source], sets: Mapping[str, LiteSet]) -> dict[str, dict[str, float]]:
    """Measure every method on every set.

    Returns:
        Figures in percent by method: of each set "mAP", the rates at the method's own thresholds ("CP", "CR", "OP",
        "OR"), and those at one threshold for all tags with the best CF1 ("tuned CP", "tuned CR", "tuned CF1").
    """
    return {name: _measured(source, sets) for name, source in sources.items()}


def set_rows(sets: Mapping[str, LiteSet]) -> dict[str, dict[str, Any]]:
    """Number of images and of categories of each set, and of positives an image."""
    return {
        name: {
            "images": len(one.benchmark.pictures),
            "categories": len(one.benchmark.tags),
            "positives": float(one.benchmark.targets.sum() / len(one.benchmark.pictures)),
        }
        for name, one in sets.items()
    }


def word_rows(sets: Mapping[str, LiteSet]) -> dict[str, dict[str, int]]:
    """Number of images of each category of each set (RAM++, Figure 10)."""
    return {
        name: dict(zip(one.benchmark.tags, one.benchmark.targets.sum(axis=0).tolist(), strict=True))
        for name, one in sets.items()
    }


def _measured(source: Source, sets: Mapping[str, LiteSet]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, one in sets.items():
        found = source(one)
        if found is None:
            continue
        report = evaluate(found[0], one.benchmark, found[1], tune="f1")
        assert report.tuned is not None
        figures[f"{name} mAP"] = report.mean_average_precision() or 0.0
        for rate in ("CP", "CR", "OP", "OR"):
            figures[f"{name} {rate}"] = getattr(report.rates, rate)
        for rate in ("CP", "CR", "CF1"):
            figures[f"{name} tuned {rate}"] = getattr(report.tuned.rates, rate)
    return {key: 100 * value for key, value in figures.items()}
