"""The section that compares models: the plot, the numbers behind it, and the time of each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from demo.core.comparison import ModelComparison
from demo.core.exports import export_table
from demo.views.page import hint, introduction
from demo.views.render import render

INTRODUCTION = "On the photo and the categories of the first tab, the largest differences first."


def heading(labels: Mapping[str, str], absent: Sequence[str] = ()) -> str:
    """Which models are compared, and a sentence about each that is not on this machine."""
    return introduction(" against ".join(labels.values()), INTRODUCTION) + "".join(map(hint, absent))


def comparison(found: ModelComparison, labels: Mapping[str, str]) -> str:
    """Paired bars, the numbers behind them, and the time of each model."""
    from demo.views.plots import paired_figure, to_svg  # matplotlib takes a second to import

    rows = [{labels.get(name, name): value for name, value in row.items()} for row in found.rows()]
    plot = render(
        "comparison", "comparison", rows=rows, files=export_table("models compared", rows),
        shown=f"The {len(rows)} of {found.total:,} with the largest differences. " if len(rows) < found.total else "",
        spoken="; ".join(", ".join(f"{name} {value}" for name, value in row.items()) for row in rows),
        wide=to_svg(paired_figure(found.scores, labels)), narrow=to_svg(paired_figure(found.scores, labels, 230)),
    )  # fmt: skip
    return plot + _timing(found, labels)


def _timing(found: ModelComparison, labels: Mapping[str, str]) -> str:
    rows = [
        {"model": labels[m], "look": round(found.look_seconds[m], 4), "score": round(found.score_seconds[m], 4)}
        for m in found.scores
    ]
    files = export_table("time of each model", rows)
    return render("comparison", "timing", rows=rows, categories=found.total, files=files)
