"""Sizes of the GPU benchmark: full for a card, tiny to try the command on a CPU."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.setting import FULL, QUICK, Size


@dataclass(frozen=True)
class Curve:
    """Layers, width and image side of a model that Figure 7 compares with ours."""

    layers: int
    width: int
    side: int


@dataclass(frozen=True)
class Plan:
    """Sizes of one run.

    Args:
        size: the tagging model, and the tags that it scores.
        batches: images that are looked at together.
        rounds: most rounds of a median.
        seconds: after so many seconds of one measurement no further round is started.
        clip, blip: the models of Figure 7's other curves.
        lite_batches, swin_batches: training images of a step; the first is that of the recipe, on one of its cards.
        tiny: networks and label systems in training are tiny, too.
    """

    size: Size
    batches: tuple[int, ...]
    rounds: int
    seconds: float
    clip: Curve
    blip: Curve
    lite_batches: tuple[int, ...]
    swin_batches: tuple[int, ...]
    tiny: bool


WHOLE = Plan(FULL, (1, 16, 64), 30, 6.0, Curve(12, 768, 224), Curve(12, 768, 384), (32, 256), (90, 32), False)
TINY = Plan(QUICK, (1, 2), 2, 0.5, Curve(1, 64, 32), Curve(1, 64, 32), (4,), (4,), True)
