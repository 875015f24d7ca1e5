"""Figure 2 of RAM++: mAP of every method on every set, as bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from benchmarks.tables.result_files import ResultFile

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, MUTED, GRID = "#0f1b2d", "#4a5a70", "#e6ebf1"
METHODS = {
    "linear probe": ("supervised: linear probe", "#b8c2cf"),
    "class names": ("class names of ImageNet", "#D9A441"),
    "ram-lite, hand-written": ("ram-lite", "#0072B2"),
    "ram-plus-lite, descriptions": ("ram-plus-lite", "#009E73"),
}
"""Row of ``tagging.json`` to its name and colour."""
WIDTH = 0.2


def bars_figure(results: ResultFile, sets: Mapping[str, str]) -> Figure:
    """Draw a group of bars for each set.

    Args:
        results: of ``python -m benchmarks.lite DATA --only tagging``.
        sets: name of each set to its title; a set without figures is left out.

    Returns:
        A figure without a window.
    """
    from matplotlib.figure import Figure

    shown = [name for name in sets if any(results.figure(row, f"{name} mAP") for row in METHODS)]
    figure = Figure(figsize=(8.4, 3.8), dpi=160, layout="constrained")
    axes = figure.add_subplot()
    drawn: set[str] = set()
    for group, name in enumerate(shown):
        values = {row: value for row in METHODS if (value := results.figure(row, f"{name} mAP")) is not None}
        for at, (row, value) in zip(_offsets(len(values)), values.items(), strict=True):
            label, colour = METHODS[row]
            bar = axes.bar(group + at, value.mean, WIDTH * 0.92, color=colour, label="" if row in drawn else label)
            axes.bar_label(bar, [value.text()], padding=2, fontsize=8, color=INK)
            drawn.add(row)
    axes.set_xticks(range(len(shown)), [sets[name] for name in shown], color=INK)
    axes.tick_params(length=0)
    axes.set_ylabel("mAP, percent", color=INK)
    axes.grid(axis="y", color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.legend(frameon=False, ncols=len(METHODS), loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=9)
    return figure


def _offsets(count: int) -> Sequence[float]:
    return [(index - (count - 1) / 2) * WIDTH for index in range(count)]
