"""A look against the bare timm backbone: as it is, compiled, and compiled with CUDA graphs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch

from benchmarks.gpu.bounded import Measurement, Result
from benchmarks.gpu.materials import Materials
from ram.errors import InputError
from ram.models.fast.compiling import compile_encoder, uses_graph

GOAL = 0.85
"""Fraction of the bare backbone's speed that a look should have."""

Ways = tuple[Callable[[torch.Tensor], Any], Callable[[torch.Tensor], Any]]
"""The bare backbone and our look, both for pixels (batch, 3, height, width)."""


def plain(materials: Materials, pixels: torch.Tensor) -> Ways:
    """Both as they are."""
    return materials.bare, materials.model.look


def compiled(materials: Materials, pixels: torch.Tensor) -> Ways:
    """Both by ``torch.compile``."""
    encoder = materials.model.image_encoder
    return torch.compile(materials.bare, dynamic=False), torch.compile(encoder, dynamic=False)


def graph(materials: Materials, pixels: torch.Tensor) -> Ways:
    """Both by ``torch.compile`` with a CUDA graph: ours as ``ram.load(..., compile=True)`` makes it.

    Raises:
        InputError: the device has no CUDA graphs, or cannot compile.
    """
    if not uses_graph(pixels):
        raise InputError("CUDA graphs need a CUDA GPU")
    encoder = copy.copy(materials.model.image_encoder)  # the weights are shared, the compiled forward is its own
    compile_encoder(encoder, pixels)
    return torch.compile(materials.bare, options={"triton.cudagraphs": True}, dynamic=False), encoder


def plain_looks(materials: Materials) -> Iterator[Measurement]:
    """Looks at batches of each size."""
    for batch in materials.plan.batches:
        what = f"look, batch {batch}"
        yield Measurement(what, 5, 40, partial(measure_look, what, materials, batch, plain))


def compiled_looks(materials: Materials) -> Iterator[Measurement]:
    """Compiled looks at batches of each size, which take longest to prepare: two networks are compiled for each."""
    for name, form in (("CUDA graph", graph), ("compiled", compiled)):
        for batch in materials.plan.batches:
            what = f"look, batch {batch}, {name}"
            yield Measurement(what, 20, 120, partial(measure_look, what, materials, batch, form))


@torch.inference_mode()
def measure_look(
    what: str, materials: Materials, batch: int, form: Callable[[Materials, torch.Tensor], Ways]
) -> Result:
    """Compare a look with the bare backbone, both in one form."""
    card, plan, pixels = materials.card, materials.plan, materials.pixels(batch)
    began = card.clock()
    bare, ours = form(materials, pixels)
    bare(pixels), ours(pixels)
    prepared = card.clock() - began
    ways = {"reference": lambda: bare(pixels), "ours": lambda: ours(pixels)}
    seconds = card.medians(ways, plan.rounds, plan.seconds)
    speed = seconds["reference"] / seconds["ours"]
    note = f"{batch / seconds['ours']:,.0f} images/s, ready in {prepared:.0f} s"
    return Result(
        what,
        **seconds,
        value=speed,
        unit="of bare",
        goal=f"at least {GOAL}",
        holds=speed >= GOAL,
        memory=card.peak(ways["ours"]),
        note=note,
    )
