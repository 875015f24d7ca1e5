"""The page's plots: probabilities by model and weights of descriptions by photo (RAM++, Figures 8 and 9).

Each plot is drawn on one canvas measured in points. Text is never parsed as mathematics. Each part has an id that
begins with its role ("ink", "muted", "track", "tick", "model-0"...), so that the style sheet can recolour it. A tag is
drawn in English with its key, and `languages.html` shows its name in the visitor's language.
"""

from __future__ import annotations

import io
import threading
import unicodedata
from collections.abc import Mapping, Sequence
from textwrap import wrap
from xml.dom import minidom

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from demo.core.shown_tags import tag_name
from demo.core.texts import Text
from demo.core.winners import Winners
from ram.prediction import Prediction, TagScore

INK, MUTED, TRACK = "#0f1b2d", "#4a5a70", "#e6ebf1"
MODEL_COLOURS = ("#0f766e", "#8595aa", "#b7791f", "#6d5bd0")
"""Colours of the main model's bars, and of those it is compared with."""
FAINT = 0.45
"""Opacity of a bar that is below its threshold."""

HEAD, NAME, BAR, SENTENCE = 13.0, 11.5, 9.0, 9.5
"""Sizes of the model's name, the category's name, the bar and the description, in points."""
LINE = 12.0
GAP = 28.0
CELL = NAME + BAR + 2 * LINE + 22
POINTS_PER_LETTER = 4.9

WEIGHT = "#5b6fd6"
ROW = 46.0
"""Height of the row of weights of one photo, in points."""

_drawing = threading.Lock()


def comparison_figure(scores: Mapping[str, Prediction], labels: Mapping[str, str], width: float = 800.0) -> Figure:
    """Models side by side in panels, with the same categories in the same order.

    Args:
        scores: predictions over the same categories, by model name.
        labels: name of each model in the plot, such as "RAM++".
        width: in points.

    Raises:
        ValueError: the models scored different categories, or none.
    """
    categories = _categories(scores)
    panel = (width - GAP * (len(scores) - 1)) / len(scores)
    canvas = Canvas(width, HEAD + 14 + CELL * len(categories))
    for column, (model, prediction) in enumerate(scores.items()):
        left = column * (panel + GAP)
        canvas.write(left, HEAD, labels[model], f"ink-{column}-head", size=HEAD, bold=True)
        canvas.write(left + panel, HEAD, model, f"muted-{column}-model", size=SENTENCE, right=True)
        for row, category in enumerate(categories):
            canvas.score(left, HEAD + 14 + CELL * row, panel, tag_name(category), prediction[category], column, row)
    return canvas.figure


def stacked_figure(scores: Mapping[str, Prediction], labels: Mapping[str, str], width: float = 230.0) -> Figure:
    """For narrow screens: models one below the other under each category.

    Raises:
        ValueError: the models scored different categories, or none.
    """
    categories = _categories(scores)
    block = HEAD + 12 + CELL * len(scores)
    canvas = Canvas(width, block * len(categories))
    for row, category in enumerate(categories):
        top = block * row
        canvas.write(0, top + HEAD, fit(tag_name(category), width, HEAD), f"ink-{row}-head", size=HEAD, bold=True)
        for index, (model, prediction) in enumerate(scores.items()):
            canvas.score(0, top + HEAD + 10 + CELL * index, width, labels[model], prediction[category], index, row)
    return canvas.figure


def weights_figure(winners: Winners, width: float = 800.0) -> Figure:
    """A row for each shown photo: the weights of all descriptions in order, the winner in full colour."""
    photos = [photo for group in winners.highlights().values() for photo in group]
    count = len(winners.sentences)
    label = min(200.0, 0.34 * width)
    canvas = Canvas(width, ROW * len(photos) + 16)
    step = (width - label) / count
    bar_width = min(0.8 * step, 40.0)
    largest = max(float(one.weights[:count].max()) for one in photos)
    for row, one in enumerate(photos):
        base = ROW * (row + 1) - 6
        canvas.write(0, base - 16, fit(one.photo.name, label - 10, NAME), f"ink-{row}-photo", NAME, bold=True)
        probability = f"{one.score.probability:.2f}"
        canvas.write(0, base - 2, probability, f"muted-{row}-probability", SENTENCE, colour=MUTED)
        canvas.box(label, base, width - label, 0.8, TRACK, f"track-{row}-base")
        winner = int(np.argmax(one.weights[:count]))
        for index in range(count):
            height = (ROW - 20) * float(one.weights[index]) / largest
            left, opacity = label + step * index + (step - bar_width) / 2, 1.0 if index == winner else FAINT
            canvas.box(left, base - height, bar_width, height, WEIGHT, f"weight-{row}-{index}", opacity)
        top = base - (ROW - 20) * float(one.weights[winner]) / largest - 3
        right = winner > count / 2
        x = label + step * (winner + 0.5) + (bar_width / 2 if right else -bar_width / 2)
        canvas.write(x, top, f"{winner + 1}: {one.weights[winner]:.0%}", f"ink-{row}-winner", SENTENCE, right=right)
    every = max(1, -(-count // max(1, int((width - label) / 26))))
    for index in range(0, count, every):
        middle = label + step * (index + 0.5) - 2.5 * len(str(index + 1))
        canvas.write(middle, ROW * len(photos) + 10, str(index + 1), f"muted-number-{index}", SENTENCE, colour=MUTED)
    return canvas.figure


def to_svg(figure: Figure) -> str:
    """The figure as an SVG element with real text and its keys, without style sheets and metadata."""
    drawn = io.StringIO()
    with _drawing, matplotlib.rc_context({"svg.fonttype": "none"}):  # a setting of the whole process
        figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    (svg,) = minidom.parseString(drawn.getvalue()).getElementsByTagName("svg")
    for name in ("metadata", "style"):
        for element in svg.getElementsByTagName(name):
            parent = element.parentNode
            assert parent is not None
            parent.removeChild(element)
    keys = {text.get_gid(): text.get_label() for axes in figure.axes for text in axes.texts}
    for group in svg.getElementsByTagName("g"):
        if key := keys.get(group.getAttribute("id")):
            (written,) = group.getElementsByTagName("text")
            written.setAttribute("data-say", str(key))
    return str(svg.toxml())


class Canvas:
    """A figure measured in points from its upper left corner."""

    def __init__(self, width: float, height: float) -> None:
        self.figure = Figure(figsize=(width / 72, height / 72))
        self.axes: Axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, width), ylim=(height, 0))
        self.axes.set_axis_off()

    def score(self, left: float, top: float, width: float, name: str, score: TagScore, model: int, row: int) -> None:
        """Draw a name and a probability over a bar, and the heaviest description under it."""
        key, base = f"{model}-{row}", top + NAME
        bold = score.present
        self.write(left, base, fit(name, width - 40, NAME), f"ink-{key}-name", size=NAME, bold=True)
        self.write(left + width, base, f"{score.probability:.2f}", f"ink-{key}-value", NAME, bold=bold, right=True)
        bar = base + 6
        self.box(left, bar, width, BAR, TRACK, f"track-{key}")
        colour = MODEL_COLOURS[model % len(MODEL_COLOURS)]
        opacity = 1.0 if score.present else FAINT
        self.box(left, bar, width * score.probability, BAR, colour, f"model-{model}-{row}-bar", opacity)
        x = left + width * score.threshold
        tick = Line2D([x, x], [bar - 2, bar + BAR + 2], color=INK, linewidth=1, clip_on=False, gid=f"tick-{key}")
        self.axes.add_line(tick)
        for line, text in enumerate(_heaviest_lines(score, width)):
            y = bar + BAR + 12 + LINE * line
            self.write(left, y, text, f"muted-{key}-line-{line}", size=SENTENCE, colour=MUTED)

    def write(
        self, x: float, y: float, text: str, role: str, size: float, bold: bool = False, right: bool = False,
        colour: str = INK,
    ) -> None:  # fmt: skip
        """Write one line of text with its baseline at ``y``; it starts at ``x``, or ends there if ``right``."""
        self.axes.text(
            x, y, text, fontsize=size, color=colour, ha="right" if right else "left", va="baseline",
            fontweight="bold" if bold else "normal", parse_math=False, gid=role,
            label=text.specification if isinstance(text, Text) else "",
        )  # fmt: skip

    def box(self, x: float, y: float, width: float, height: float, colour: str, role: str, opacity: float = 1) -> None:
        """Draw a filled rectangle."""
        box = Rectangle((x, y), width, height, facecolor=colour, edgecolor="none", alpha=opacity, gid=role)
        box.set_clip_on(False)  # clip paths have ids too, which two plots on one page would share
        self.axes.add_patch(box)


def _categories(scores: Mapping[str, Prediction]) -> Sequence[str]:
    orders = {prediction.vocabulary.tags for prediction in scores.values()}
    if len(orders) != 1 or not (categories := next(iter(orders))):
        raise ValueError("a comparison needs models that scored the same categories, and at least one category")
    return categories


def _heaviest_lines(score: TagScore, width: float) -> list[str]:
    """The heaviest description in at most two lines, after its weight if there are several."""
    if not score.descriptions:
        return []
    heaviest = score.descriptions[0]
    share = f"{heaviest.weight:.0%} · " if len(score.descriptions) > 1 else ""
    return wrap(share + heaviest.text, letters(heaviest.text, width, SENTENCE), max_lines=2, placeholder=" …")


def fit(text: str, width: float, size: float) -> str:
    """The text, shortened with an ellipsis if it is too wide."""
    room = letters(text, width, size)
    return text if len(text) <= room else f"{text[: room - 1].rstrip()}…"


def letters(text: str, width: float, size: float) -> int:
    """Number of letters that fit into a width in points; Chinese and Japanese ones are twice as wide."""
    wide = any(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return max(8, int(width / (POINTS_PER_LETTER * size / SENTENCE) / (2 if wide else 1)))
