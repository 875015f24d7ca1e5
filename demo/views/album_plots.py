"""Two plots beside the comparison's: models as paired bars, and the weights of one category's descriptions by photo."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from demo.core.photos import Scores
from demo.core.winners import Winners
from demo.views.plots import FAINT, INK, MODEL_COLOURS, MUTED, NAME, SENTENCE, TRACK, Canvas, fit

WEIGHT = "#5b6fd6"
PAIRED_BAR, PAIRED_STEP = 8.0, 14.0
ROW = 46.0
"""Height of a photo's row of weights, in points."""


def paired_figure(scores: Scores, labels: Mapping[str, str], width: float = 800.0) -> Figure:
    """A category a block, a bar a model, and how far they are apart on the right.

    Args:
        scores: predictions over the same categories in the same order, by model name.
        labels: what the plot calls each model, such as "RAM++".
        width: in points.
    """
    categories = next(iter(scores.values())).vocabulary.tags
    block = NAME + 8 + PAIRED_STEP * len(scores) + 10
    label = min(90.0, 0.2 * width)
    canvas = Canvas(width, block * len(categories))
    for row, category in enumerate(categories):
        top = block * row
        found = {model: prediction[category] for model, prediction in scores.items()}
        values = [score.probability for score in found.values()]
        apart = f"{max(values) - min(values):.2f} apart"
        canvas.write(0, top + NAME, fit(category, width - 80, NAME), f"ink-{row}-pair", size=NAME, bold=True)
        canvas.write(width, top + NAME, apart, f"muted-{row}-apart", size=SENTENCE, colour=MUTED, right=True)
        for place, (model, score) in enumerate(found.items()):
            bar, key = top + NAME + 8 + PAIRED_STEP * place, f"{place}-{row}"
            room = width - label - 36
            name = fit(labels[model], label, SENTENCE)
            canvas.write(0, bar + PAIRED_BAR, name, f"muted-{key}-label", SENTENCE, colour=MUTED)
            canvas.box(label, bar, room, PAIRED_BAR, TRACK, f"track-{key}-pair")
            colour, opacity = MODEL_COLOURS[place % len(MODEL_COLOURS)], 1.0 if score.present else FAINT
            canvas.box(label, bar, room * score.probability, PAIRED_BAR, colour, f"model-{key}-pair", opacity)
            tick = label + room * score.threshold
            canvas.box(tick - 0.5, bar - 2, 1, PAIRED_BAR + 4, INK, f"ink-{key}-threshold")
            value = f"{score.probability:.2f}"
            canvas.write(width, bar + PAIRED_BAR, value, f"ink-{key}-pair", NAME, bold=score.present, right=True)
    return canvas.figure


def weights_figure(winners: Winners, width: float = 800.0) -> Figure:
    """A row a photo that is shown: the weights of all descriptions, in the same order, the winner in full colour."""
    photos = [won for of_a_kind in winners.telling().values() for won in of_a_kind]
    count = len(winners.sentences)
    label = min(200.0, 0.34 * width)
    canvas = Canvas(width, ROW * len(photos) + 16)
    step = (width - label) / count
    wide = min(0.8 * step, 40.0)
    most = max(float(won.weights[:count].max()) for won in photos)
    for row, won in enumerate(photos):
        base = ROW * (row + 1) - 6
        canvas.write(0, base - 16, fit(won.photo.name, label - 10, NAME), f"ink-{row}-photo", NAME, bold=True)
        told = f"{won.score.probability:.2f}"
        canvas.write(0, base - 2, told, f"muted-{row}-probability", SENTENCE, colour=MUTED)
        canvas.box(label, base, width - label, 0.8, TRACK, f"track-{row}-base")
        winner = int(np.argmax(won.weights[:count]))
        for place in range(count):
            weight = float(won.weights[place])
            height = (ROW - 20) * weight / most
            left, opacity = label + step * place, 1.0 if place == winner else FAINT
            canvas.box(left + (step - wide) / 2, base - height, wide, height, WEIGHT, f"weight-{row}-{place}", opacity)
        top = base - (ROW - 20) * float(won.weights[winner]) / most - 3
        right = winner > count / 2
        at = label + step * (winner + 0.5) + (wide / 2 if right else -wide / 2)
        canvas.write(at, top, f"{winner + 1}: {won.weights[winner]:.0%}", f"ink-{row}-winner", SENTENCE, right=right)
    every = max(1, -(-count // max(1, int((width - label) / 26))))
    for place in range(0, count, every):
        middle = label + step * (place + 0.5) - 2.5 * len(str(place + 1))
        canvas.write(middle, ROW * len(photos) + 10, str(place + 1), f"muted-number-{place}", SENTENCE, colour=MUTED)
    return canvas.figure
