"""Distribution of the probabilities of positive and negative tags (RAM++, Figure 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.lite.sets import LiteSet
from benchmarks.lite.tagging import Source

BINS = 10


def distribution_rows(sources: Mapping[str, Source], sets: Mapping[str, LiteSet]) -> dict[str, dict[str, Any]]:
    """Shares of the probabilities in :data:`BINS` equal bins from 0 to ``upper``, by method and set.

    ``upper`` is 1, but for scores that are all small the next of 0.1, 0.2, 0.4 that holds 99.9 % of the positives, as
    the papers draw CLIP.

    Returns:
        "METHOD, SET" to {"upper", "positive": (bins,), "negative": (bins,)}; each list sums to 1.
    """
    rows: dict[str, dict[str, Any]] = {}
    for method, source in sources.items():
        for name, one in sets.items():
            found = source(one)
            if found is None:
                continue
            scores, targets = found[0], one.benchmark.targets
            upper = next((at for at in (0.1, 0.2, 0.4) if np.quantile(scores[targets], 0.999) <= at), 1.0)
            edges = np.linspace(0, upper, BINS + 1)
            rows[f"{method}, {name}"] = {
                "upper": upper,
                "positive": _shares(scores[targets], edges),
                "negative": _shares(scores[~targets], edges),
            }
    return rows


def _shares(values: np.ndarray, edges: np.ndarray) -> list[float]:
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    return [float(count) for count in counts / max(counts.sum(), 1)]
