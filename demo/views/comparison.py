"""The section that compares models: rows grouped by verdict beside the photo, the plot, and the time of each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from demo.core.comparison import DIFFER, NO, YES, ModelComparison
from demo.core.exports import export_table
from demo.core.texts import Text, recognise, say, together
from demo.views.page import hint, introduction
from demo.views.render import render
from demo.views.spoken import spoken_list, spoken_plot
from ram.prediction import TagScore

MAX_DRAWN = 12
"""Categories of the plot."""


def heading(labels: Mapping[str, str], absent: Sequence[str] = ()) -> str:
    """Which models are compared, and a sentence about each that is not on this machine."""
    head = introduction(_against(list(labels.values())), say("compare_intro"))
    return head + "".join(hint(recognise(one)) for one in absent)


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
            "rows": [(tag, scores, _spoken(models, scores)) for tag, scores in _scores(found, shown[group])],
        }
        for group in (DIFFER, YES, NO)[len(models) == 1 :]
    ]  # fmt: skip
    return render(
        "comparison", "comparison", groups=parts, models=models, jpeg=jpeg, typed=typed, total=found.total,
        files=export_table("models compared", rows), plot=_plot(found, labels, shown), timing=_timing(found, labels),
    )  # fmt: skip


def _against(models: Sequence[str]) -> str:
    """ "RAM++ against RAM and CLIP"."""
    return say("against", first=models[0], others=together(models[1:])) if models[1:] else models[0]


def _scores(found: ModelComparison, tags: Sequence[str]) -> list[tuple[str, list[TagScore]]]:
    """The score of every model for each tag."""
    return [(tag, [prediction[tag] for prediction in found.scores.values()]) for tag in tags]


def _spoken(models: Sequence[str], scores: Sequence[TagScore]) -> Text:
    """ "RAM++ 0.93, yes; RAM 0.41, no"."""
    each = [
        say("says_yes" if score.present else "says_no", label=label, probability=f"{score.probability:.2f}")
        for label, score in zip(models, scores, strict=True)
    ]
    return spoken_list(each)


def _title(group: str, models: Sequence[str]) -> Text:
    """ "RAM++ and RAM differ" or "Both say no"."""
    if group == DIFFER:
        return say("models_differ", models=together(models))
    if len(models) == 1:
        return say(f"one_says_{group}", model=models[0])
    return say(f"{'both' if len(models) == 2 else 'all'}_say_{group}")


def _plot(found: ModelComparison, labels: Mapping[str, str], shown: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The plot of the first categories, in the design of the plot of typed categories."""
    from demo.views.plots import comparison_figure, stacked_figure, to_svg  # matplotlib takes a second to import

    first = [tag for group in (DIFFER, YES, NO) for tag in shown[group]][:MAX_DRAWN]
    scores = {model: prediction.select(first) for model, prediction in found.scores.items()}
    return {
        "wide": to_svg(comparison_figure(scores, labels, 300 * len(scores))),
        "narrow": to_svg(stacked_figure(scores, labels)),
        "spoken": spoken_plot(scores, labels),
    }


def _timing(found: ModelComparison, labels: Mapping[str, str]) -> list[dict[str, object]]:
    return [
        {"model": labels[m], "look": round(found.look_seconds[m], 4), "score": round(found.score_seconds[m], 4)}
        for m in found.scores
    ]
