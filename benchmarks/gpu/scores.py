"""Scoring all predefined tags, Figure 7's curves, and a typed category, each for one image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch

from benchmarks import figure7
from benchmarks.gpu.bounded import Measurement, Result
from benchmarks.gpu.materials import DTYPE, Materials
from benchmarks.gpu.small_text_encoder import SmallClipTextEncoder
from benchmarks.setting import category_sentences, typed_category
from ram.models.scoring import Scorer
from ram.models.text_encoder import ClipTextEncoder

PAPER = 0.007
"""Seconds in which RAM++ recognizes 4,000 categories on an A100 (RAM++, section 4.3)."""

SHARE = 0.15
"""Fraction of a look that embedding and scoring a typed category may take."""


def tags(materials: Materials) -> Iterator[Measurement]:
    """All predefined tags."""
    what = f"scoring {materials.plan.size.tags:,} tags of {materials.plan.size.descriptions} descriptions"
    yield Measurement(what, 5, 40, partial(measure_tags, what, materials))


def curves(materials: Materials) -> Iterator[Measurement]:
    """The curves of Figure 7: ours, which has a goal, then the other two."""
    plan = materials.plan
    where = {"device": materials.card.device, "dtype": DTYPE}
    ways: dict[str, Callable[[], figure7.Way]] = {
        figure7.ITTA: partial(figure7.align, plan.size, **where),
        figure7.ITC: partial(figure7.contrast, plan.clip.layers, plan.clip.width, plan.clip.side, **where),
        figure7.ITM: partial(figure7.match, plan.blip.layers, plan.blip.width, plan.blip.side, **where),
    }
    for name, make in ways.items():
        what = f"Figure 7, {name}"
        yield Measurement(what, 5, 45, partial(measure_curve, what, materials, make, name == figure7.ITTA))


def category(materials: Materials) -> Iterator[Measurement]:
    """A typed category."""
    what = "typed category against a look"
    yield Measurement(what, 10, 60, partial(measure_category, what, materials))


@torch.inference_mode()
def measure_tags(what: str, materials: Materials) -> Result:
    """Score one image over all predefined tags."""
    scorer, features = Scorer(materials.model), materials.model.look(materials.pixels(1))

    def score() -> torch.Tensor:
        return scorer.score(features, materials.bank).logits

    score()
    taken = materials.card.medians({"ours": score}, materials.plan.rounds, materials.plan.seconds)["ours"]
    memory = materials.card.peak(score)
    return Result(what, None, taken, taken, "s", f"paper: {PAPER} s", taken <= PAPER, memory, "without the look")


@torch.inference_mode()
def measure_curve(what: str, materials: Materials, make: Callable[[], figure7.Way], ours: bool) -> Result:
    """Measure look and scores for Figure 7's numbers of categories."""
    card, plan = materials.card, materials.plan
    way = make()
    way.look(), way.score(figure7.COUNTS[0])
    points = figure7.measure(way, card.clock, plan.rounds, 3 * plan.seconds)
    most = max(points)
    memory = card.peak(lambda: way.score(min(figure7.COUNTS)))
    reached = most == max(figure7.COUNTS) and points[most] <= PAPER
    return Result(
        what,
        ours=points[most],
        value=points[most],
        unit="s",
        goal=f"paper: {PAPER} s" if ours else "",
        holds=reached if ours else None,
        memory=memory,
        note=f"look and {most:,} categories",
        points=points,
    )


@torch.inference_mode()
def measure_category(what: str, materials: Materials) -> Result:
    """Compare embedding and scoring a typed category with a look, as it is."""
    card, plan, pixels = materials.card, materials.plan, materials.pixels(1)
    sentences = category_sentences()
    if plan.tiny:
        encoder: ClipTextEncoder = SmallClipTextEncoder(card.device, DTYPE)
    else:
        encoder = ClipTextEncoder(card.device, DTYPE, pretrained=None)
    answer = typed_category(materials.model, encoder, sentences, materials.model.look(pixels))
    ways = {"reference": lambda: materials.model.look(pixels), "ours": answer}
    seconds = card.medians(ways, plan.rounds, plan.seconds)
    share = seconds["ours"] / seconds["reference"]
    return Result(
        what,
        **seconds,
        value=share,
        unit="of a look",
        goal=f"at most {SHARE}",
        holds=share <= SHARE,
        memory=card.peak(answer),
        note=f"{len(sentences)} sentences",
    )
