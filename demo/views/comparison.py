"""The section that compares models: rows grouped by verdict beside the photo, the plot, and the time of each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from demo.core.comparison import DIFFER, NO, YES, ModelComparison
from demo.core.exports import export_table
from demo.views.page import hint, introduction
from demo.views.render import render

INTRODUCTION = "On the photo of the first tab. A row leads to the reasons of its tag there."
MAX_DRAWN = 12
"""Categories of the plot."""


def heading(labels: Mapping[str, str], absent: Sequence[str] = ()) -> str:
    """Which models are compared, and a sentence about each that is not on this machine."""
    return introduction(" against ".join(labels.values()), INTRODUCTION) + "".join(map(hint, absent))


def comparison(found: ModelComparison, labels: Mapping[str, str], jpeg: bytes = b"", typed: bool = False) -> str:
    """Rows by verdict beside the photo, the time of each model, the plot and the numbers.

    Args:
        found: the predictions.
        labels: of the models, by name.
        jpeg: a small copy of the photo.
        typed: the categories are a visitor's own.
    """
    rows = [{labels.get(name, name): value for name, value in row.items()} for row in found.rows()]
    shown, groups = found.shown(), found.groups
    models = [labels[model] for model in found.scores]
    parts = [
        {
            "name": group, "title": _title(group, models), "total": len(groups[group]), "folded": group == NO,
            "rows": [(tag, [prediction[tag] for prediction in found.scores.values()]) for tag in shown[group]],
        }
        for group in (DIFFER, YES, NO)[len(models) == 1 :]
    ]  # fmt: skip
    return render(
        "comparison", "comparison", groups=parts, models=models, jpeg=jpeg, typed=typed, total=found.total,
        files=export_table("models compared", rows), plot=_plot(found, labels, shown), timing=_timing(found, labels),
    )  # fmt: skip


def _title(group: str, models: Sequence[str]) -> str:
    """ "RAM++ and RAM differ" or "Both say no"."""
    if group == DIFFER:
        return f"{', '.join(models[:-1])} and {models[-1]} differ"
    subject = {1: f"{models[0]} says", 2: "Both say"}.get(len(models), "All say")
    return f"{subject} {group}"


def _plot(found: ModelComparison, labels: Mapping[str, str], shown: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The plot of the first categories, in the design of the plot of typed categories."""
    from demo.views.plots import comparison_figure, stacked_figure, to_svg  # matplotlib takes a second to import

    first = [tag for group in (DIFFER, YES, NO) for tag in shown[group]][:MAX_DRAWN]
    scores = {model: prediction.select(first) for model, prediction in found.scores.items()}
    return {
        "wide": to_svg(comparison_figure(scores, labels, 300 * len(scores))),
        "narrow": to_svg(stacked_figure(scores, labels)),
        "spoken": "; ".join(
            f"{tag}: " + ", ".join(f"{labels[model]} {one[tag].probability:.2f}" for model, one in scores.items())
            for tag in first
        ),
    }


def _timing(found: ModelComparison, labels: Mapping[str, str]) -> list[dict[str, object]]:
    return [
        {"model": labels[m], "look": round(found.look_seconds[m], 4), "score": round(found.score_seconds[m], 4)}
        for m in found.scores
    ]
