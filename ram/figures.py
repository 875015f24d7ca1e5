"""Comparison figure: an image and each model's probability per category (RAM++, Figures 8, 9)."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from textwrap import wrap
from typing import TYPE_CHECKING

from PIL import Image

from ram.prediction import Prediction, TagScore

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, TRACK = "#0f1b2d", "#4a5a70", "#e6ebf1"
COLOURS = ("#8595aa", "#0f766e", "#b7791f", "#6d5bd0")
"""Bar colours, by model."""

# Inches.
PICTURE, NAMES, BARS, VALUES, MARGIN = 3.2, 1.5, 4.4, 0.6, 0.25
CATEGORY, BAR, LINE, GAP = 0.34, 0.15, 0.16, 0.12
LETTERS = 72
"""Characters of a description per line; wide ones, as in Chinese, count double."""


def comparison_figure(predictions: Mapping[str, Prediction], picture: Image.Image | None = None) -> Figure:
    """Draw models side by side over the same categories.

    A bar is a probability, pale where it is not over the threshold; the stroke across it marks the threshold. The
    heaviest description stands below, after its weight. Text is never parsed as mathematics.

    Args:
        predictions: model name to its scores, all over the same categories.
        picture: drawn on the left.

    Returns:
        A figure without a window, ready for ``savefig``.

    Raises:
        ValueError: no categories, or the models scored different ones.
    """
    from matplotlib.figure import Figure

    orders = {prediction.vocabulary.tags for prediction in predictions.values()}
    if len(orders) != 1 or not (categories := next(iter(orders))):
        raise ValueError("a comparison needs models that scored the same categories, at least one")
    row = BAR + 2 * LINE + GAP
    chart = len(categories) * (CATEGORY + row * len(predictions))
    shown = (0.0, 0.0) if picture is None else _fit(picture)
    left = MARGIN + (shown[0] + MARGIN if picture is not None else 0)
    height = max(chart, shown[1]) + 2 * MARGIN
    figure = Figure(figsize=(left + NAMES + BARS + VALUES + MARGIN, height), dpi=150)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, figure.get_figwidth()), ylim=(height, 0))
    axes.set_axis_off()
    if picture is not None:
        axes.imshow(picture, extent=(MARGIN, MARGIN + shown[0], MARGIN + shown[1], MARGIN), aspect="auto")
        axes.set(xlim=(0, figure.get_figwidth()), ylim=(height, 0))  # imshow narrows them
    top = MARGIN
    for category in categories:
        _write(axes, left, top + CATEGORY / 2, category, size=12, weight="bold")
        top += CATEGORY
        for (model, prediction), colour in zip(predictions.items(), COLOURS * len(predictions), strict=False):
            _draw(axes, left, top, model, prediction[category], colour)
            top += row
    return figure


def _draw(axes: Axes, left: float, top: float, model: str, score: TagScore, colour: str) -> None:
    """Draw one model's score of one category."""
    from matplotlib.patches import Rectangle

    start, middle = left + NAMES, top + BAR / 2
    stroke = start + BARS * score.threshold
    opacity = 1.0 if score.present else 0.45
    axes.add_patch(Rectangle((start, top), BARS, BAR, color=TRACK, linewidth=0))
    axes.add_patch(
        Rectangle((start, top), BARS * score.probability, BAR, color=colour, linewidth=0, alpha=opacity)
    )
    axes.plot((stroke, stroke), (top - 0.03, top + BAR + 0.03), color=INK, linewidth=1)
    _write(axes, left, middle, _lines(model, 20)[0], size=9)
    _write(axes, start + BARS + 0.1, middle, f"{score.probability:.2f}", size=10, weight="bold")
    if score.descriptions:
        heaviest = score.descriptions[0]
        for number, line in enumerate(_lines(f"{heaviest.weight:.0%}  {heaviest.text}", LETTERS)[:2]):
            _write(axes, start, top + BAR + LINE * (number + 0.65), line, size=8, color=MUTED)


def _fit(picture: Image.Image) -> tuple[float, float]:
    """Return the width and height of the picture in the figure."""
    scale = PICTURE / max(picture.size)
    return picture.width * scale, picture.height * scale


def _write(
    axes: Axes, x: float, y: float, text: str, size: float, weight: str = "normal", color: str = INK
) -> None:
    axes.text(x, y, text, fontsize=size, fontweight=weight, color=color, va="center", parse_math=False)


def _lines(text: str, letters: int) -> list[str]:
    """Wrap a text, with an ellipsis where it is cut."""
    if any(unicodedata.east_asian_width(letter) in "WF" for letter in text):
        letters //= 2
    return wrap(text, letters, max_lines=2, placeholder=" …") or [""]
