"""The comparison plot: each model's probability of each category, over the description behind it (RAM++, Figures 8, 9).

Drawn on one canvas measured in points. Typed and generated text is never read as mathematics, and each part carries
an id that begins with its role ("ink", "muted", "track", "tick", "model-0"...), so that a page can recolour it.
"""

from __future__ import annotations

import io
import threading
import unicodedata
from collections.abc import Mapping, Sequence
from textwrap import wrap

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from ram.prediction import Prediction, TagScore

INK, MUTED, TRACK = "#0f1b2d", "#4a5a70", "#e6ebf1"
MODEL_COLOURS = ("#0f766e", "#8595aa", "#b7791f", "#6d5bd0")
"""Bars of the main model, and of those it is compared with."""
FAINT = 0.45
"""Opacity of the bar of a category that is not over its threshold."""

HEAD, NAME, BAR, SENTENCE = 13.0, 11.5, 9.0, 9.5
"""Sizes of the model's name, the category's name, the bar and the description, in points."""
LINE = 12.0
GAP = 28.0
CELL = NAME + BAR + 2 * LINE + 22
POINTS_A_LETTER = 4.9

_drawing = threading.Lock()


def comparison_figure(scores: Mapping[str, Prediction], labels: Mapping[str, str], width: float = 800.0) -> Figure:
    """Models side by side, one panel each, the same categories in the same order.

    Args:
        scores: predictions over the same categories, by model name.
        labels: what the plot calls each model, such as "RAM++".
        width: in points.

    Raises:
        ValueError: nothing to draw.
    """
    categories = _categories(scores)
    panel = (width - GAP * (len(scores) - 1)) / len(scores)
    canvas = Canvas(width, HEAD + 14 + CELL * len(categories))
    for column, (model, prediction) in enumerate(scores.items()):
        left = column * (panel + GAP)
        canvas.write(left, HEAD, labels[model], f"ink-{column}-head", size=HEAD, bold=True)
        canvas.write(left + panel, HEAD, model, f"muted-{column}-model", size=SENTENCE, right=True)
        for row, category in enumerate(categories):
            canvas.score(left, HEAD + 14 + CELL * row, panel, category, prediction[category], column, row)
    return canvas.figure


def stacked_figure(scores: Mapping[str, Prediction], labels: Mapping[str, str], width: float = 230.0) -> Figure:
    """The same for a narrow screen: under each category, one model below the other.

    Raises:
        ValueError: nothing to draw.
    """
    categories = _categories(scores)
    block = HEAD + 12 + CELL * len(scores)
    canvas = Canvas(width, block * len(categories))
    for row, category in enumerate(categories):
        top = block * row
        canvas.write(0, top + HEAD, fit(category, width, HEAD), f"ink-{row}-head", size=HEAD, bold=True)
        for place, (model, prediction) in enumerate(scores.items()):
            canvas.score(0, top + HEAD + 10 + CELL * place, width, labels[model], prediction[category], place, row)
    return canvas.figure


def to_svg(figure: Figure) -> str:
    """The figure as an SVG element with real text, without anything that reaches beyond it."""
    drawn = io.StringIO()
    with _drawing, matplotlib.rc_context({"svg.fonttype": "none"}):  # a setting of the whole process
        figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = drawn.getvalue()
    svg = text[text.index("<svg") :]
    for start, end in (("<metadata>", "</metadata>"), ("<style", "</style>")):
        if start in svg:
            svg = svg[: svg.index(start)] + svg[svg.index(end) + len(end) :]
    return svg.strip()


class Canvas:
    """A figure measured in points from its upper left corner."""

    def __init__(self, width: float, height: float) -> None:
        self.figure = Figure(figsize=(width / 72, height / 72))
        self.axes: Axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, width), ylim=(height, 0))
        self.axes.set_axis_off()

    def score(self, left: float, top: float, width: float, name: str, score: TagScore, model: int, row: int) -> None:
        """A name and a probability over a bar, and the heaviest description under it."""
        key, base = f"{model}-{row}", top + NAME
        bold = score.present
        self.write(left, base, fit(name, width - 40, NAME), f"ink-{key}-name", size=NAME, bold=True)
        self.write(left + width, base, f"{score.probability:.2f}", f"ink-{key}-value", NAME, bold=bold, right=True)
        bar = base + 6
        self.box(left, bar, width, BAR, TRACK, f"track-{key}")
        colour = MODEL_COLOURS[model % len(MODEL_COLOURS)]
        opacity = 1.0 if score.present else FAINT
        self.box(left, bar, width * score.probability, BAR, colour, f"model-{model}-{row}-bar", opacity)
        at = left + width * score.threshold
        tick = Line2D([at, at], [bar - 2, bar + BAR + 2], color=INK, linewidth=1, clip_on=False, gid=f"tick-{key}")
        self.axes.add_line(tick)
        for line, text in enumerate(_behind(score, width)):
            y = bar + BAR + 12 + LINE * line
            self.write(left, y, text, f"muted-{key}-line-{line}", size=SENTENCE, colour=MUTED)

    def write(
        self, x: float, y: float, text: str, role: str, size: float, bold: bool = False, right: bool = False,
        colour: str = INK,
    ) -> None:  # fmt: skip
        """One line of text that stands on ``y``, starting, or ending where ``right``, at ``x``."""
        self.axes.text(
            x, y, text, fontsize=size, color=colour, ha="right" if right else "left", va="baseline",
            fontweight="bold" if bold else "normal", parse_math=False, gid=role,
        )  # fmt: skip

    def box(self, x: float, y: float, width: float, height: float, colour: str, role: str, opacity: float = 1) -> None:
        box = Rectangle((x, y), width, height, facecolor=colour, edgecolor="none", alpha=opacity, gid=role)
        box.set_clip_on(False)  # clip paths have ids too, which two plots on one page would share
        self.axes.add_patch(box)


def _categories(scores: Mapping[str, Prediction]) -> Sequence[str]:
    orders = {prediction.vocabulary.tags for prediction in scores.values()}
    if len(orders) != 1 or not (categories := next(iter(orders))):
        raise ValueError("a comparison needs models that scored the same categories, and at least one of those")
    return categories


def _behind(score: TagScore, width: float) -> list[str]:
    """The heaviest description in at most two lines, after its weight where there are several."""
    if not score.descriptions:
        return []
    heaviest = score.descriptions[0]
    share = f"{heaviest.weight:.0%} · " if len(score.descriptions) > 1 else ""
    return wrap(share + heaviest.text, letters(heaviest.text, width, SENTENCE), max_lines=2, placeholder=" …")


def fit(text: str, width: float, size: float) -> str:
    most = letters(text, width, size)
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def letters(text: str, width: float, size: float) -> int:
    """How many letters of this size surely fit, those of Chinese or Japanese being twice as wide."""
    wide = any(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return max(8, int(width / (POINTS_A_LETTER * size / SENTENCE) / (2 if wide else 1)))
