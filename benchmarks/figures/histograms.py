"""Figure 6 of RAM++: how probabilities of positive and negative tags are distributed, by method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.figures.bars import GRID, INK, METHODS, MUTED
from benchmarks.tables.result_files import ResultFile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POSITIVE, NEGATIVE = "#009E73", "#D55E00"


def histograms_figure(results: ResultFile, sets: Mapping[str, str]) -> Figure:
    """Draw a row of panels for each set and a column for each method.

    Args:
        results: of ``python -m benchmarks.lite DATA --only scores``.
        sets: name of each set to its title.

    Returns:
        A figure without a window; a panel without a measurement says so.
    """
    from matplotlib.figure import Figure

    shown = [name for name in sets if any(f"{row}, {name}" in results.rows for row in METHODS)]
    figure = Figure(figsize=(2.7 * len(METHODS), 2.5 * len(shown) + 0.4), dpi=160, layout="constrained")
    panels = figure.subplots(len(shown), len(METHODS), squeeze=False, sharey=True)
    for row, name in enumerate(shown):
        for column, (method, (label, _)) in enumerate(METHODS.items()):
            axes = panels[row, column]
            shares: Any = results.rows.get(f"{method}, {name}")
            if shares is None:
                _empty(axes)
            else:
                _panel(axes, shares)
            if row == 0:
                axes.set_title(label, fontsize=10, color=INK)
            if column == 0:
                axes.set_ylabel(f"{sets[name]}\nshare of tags", fontsize=9, color=INK)
            if row == len(shown) - 1 and shares is not None:
                axes.set_xlabel("probability", fontsize=9, color=INK)
    handles, labels = panels[0, -1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=2, frameon=False, fontsize=9)
    return figure


def _empty(axes: Axes) -> None:
    """A panel of a method that cannot score these tags."""
    axes.set_xticks([])
    axes.tick_params(length=0, labelsize=8)
    axes.spines[:].set_visible(False)
    style = {"ha": "center", "va": "center", "color": MUTED, "fontsize": 9}
    axes.text(0.5, 0.5, "no such tags\nin training", transform=axes.transAxes, **style)


def _panel(axes: Axes, shares: Mapping[str, Any]) -> None:
    bins = len(shares["positive"])
    edges = np.linspace(0, shares["upper"], bins + 1)
    middles, width = (edges[:-1] + edges[1:]) / 2, shares["upper"] / bins
    axes.bar(middles - width / 5, shares["positive"], width * 0.4, color=POSITIVE, label="positive tags")
    axes.bar(middles + width / 5, shares["negative"], width * 0.4, color=NEGATIVE, label="negative tags")
    axes.set(xlim=(0, shares["upper"]), ylim=(0, 1))
    axes.set_xticks(edges[::2], [f"{edge:g}" for edge in np.round(edges[::2], 3)])
    axes.tick_params(labelsize=8, length=0)
    axes.grid(axis="y", color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
