"""The panel of one category over many photos: which description wins in each."""

from __future__ import annotations

from demo.core.exports import export_table
from demo.core.winners import Winners
from demo.views.render import render


def winners(found: Winners) -> str:
    """A row for each photo with its probability and winning description, and the plot of all weights."""
    from demo.views.plots import to_svg, weights_figure  # matplotlib takes a second to import

    return render(
        "winners", "winners", found=found, summary=_summary(found), groups=found.highlights(),
        wide=to_svg(weights_figure(found)), narrow=to_svg(weights_figure(found, 230)),
        files=export_table(f"{found.category} by photo", found.rows()),
    )  # fmt: skip


def _summary(found: Winners) -> str:
    """Render the numbers of photos scored and passing, those shown, and those that could not be scored."""
    groups = found.highlights()
    count = "1 photo was" if len(found.photos) == 1 else f"{len(found.photos)} photos were"
    summary = f"{count} scored: {found.over or 'none'} over the threshold of {found.photos[0].score.threshold:.2f}."
    if len(groups) > 1:
        summary += " Shown are " + "; ".join(f"the {len(photos)} {kind}" for kind, photos in groups.items()) + "."
    if found.left_out:
        summary += f" {found.left_out} more were removed to make room for other visitors: tag them again to score them."
    return summary
