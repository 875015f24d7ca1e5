"""The panel of categories over many photos: which description wins in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from demo.core.exports import export_table
from demo.core.texts import Text, say
from demo.core.winners import Winners, matrix
from demo.views.render import render

MATRIX_ROWS = 24
"""Photos listed in the table of several categories."""


def winners(found: Sequence[Winners]) -> str:
    """Every category with its photos and winning descriptions; of several, first a table of photos and categories."""
    if len(found) == 1:
        return render("winners", "winners", **_values(found[0]))
    rows = matrix(found)
    together = render(
        "winners", "matrix", found=found, rows=rows[:MATRIX_ROWS], total=len(rows),
        files=export_table("categories by photo", [{"photo": name, **_columns(row)} for name, row in rows]),
        thresholds={one.category: one.photos[0].score.threshold for one in found},
    )  # fmt: skip
    return together + "".join(render("winners", "folded", values=_values(one)) for one in found)


def _columns(row: Mapping[str, float]) -> dict[str, float]:
    """Names of columns that no category can have."""
    return {f"probability of {category}": probability for category, probability in row.items()}


def _values(found: Winners) -> dict[str, Any]:
    """For one category: a row for each photo with its winning description, and the plot of all weights."""
    from demo.views.plots import to_svg, weights_figure  # matplotlib takes a second to import

    return {
        "found": found, "summary": _summary(found), "groups": found.highlights(),
        "wide": to_svg(weights_figure(found)), "narrow": to_svg(weights_figure(found, 230)),
        "files": export_table(f"{found.category} by photo", found.rows()),
    }  # fmt: skip


def _summary(found: Winners) -> list[Text]:
    """Sentences on the numbers of photos scored and passing, those shown, and those that could not be scored."""
    groups, threshold = found.highlights(), f"{found.photos[0].score.threshold:.2f}"
    over = found.over or say("none_of_them")
    summary = [say("photos_scored", count=len(found.photos), over=over, threshold=threshold)]
    if len(groups) > 1:
        first, middle, last = map(len, groups.values())
        summary.append(say("groups_shown", first=first, middle=middle, last=last))
    if found.left_out:
        summary.append(say("removed_for_room", count=found.left_out))
    return summary
