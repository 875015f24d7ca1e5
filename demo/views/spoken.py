"""Probabilities in words, for those who hear the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

from demo.core.shown_tags import tag_name
from demo.core.texts import Text, say
from ram.prediction import Prediction


def spoken_probabilities(category: str, probabilities: Sequence[tuple[str, float]]) -> Text:
    """ "dog: RAM++ 0.93, RAM 0.41", from the label of each model and its probability."""
    each = [f"{label} {probability:.2f}" for label, probability in probabilities]
    return say("label_and_value", label=tag_name(category), value=reduce(_with_comma, each))


def spoken_plot(scores: Mapping[str, Prediction], labels: Mapping[str, str]) -> Text:
    """All probabilities of a plot.

    Args:
        scores: predictions over the same categories, by model name.
        labels: of the models, by name.
    """
    tags = next(iter(scores.values())).vocabulary.tags
    return spoken_list(
        [spoken_probabilities(tag, [(labels[m], one[tag].probability) for m, one in scores.items()]) for tag in tags]
    )


def spoken_list(parts: Sequence[Text]) -> Text:
    """Parts one after the other; at least one."""
    return reduce(lambda first, rest: say("spoken_list", first=first, rest=rest), parts)


def _with_comma(first: str, rest: str) -> Text:
    return say("comma", first=first, rest=rest)
