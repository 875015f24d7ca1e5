"""Memory that one call adds, measured in a process of its own by the part "memory" of benchmarks.speed."""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch

from benchmarks.measuring import added_memory
from benchmarks.reference import Reference
from benchmarks.setting import FULL, QUICK, Size, pictures, random_bank, random_model
from ram.models.scoring import Scorer


def call_memory(way: str, size: Size) -> float:
    """Return the bytes that tagging a first picture adds, by the "reference" or by "ours"."""
    model, bank, pixels = random_model(size), random_bank(size.tags, size), pictures(size)
    reference, scorer = Reference(model, bank), Scorer(model)
    ways: dict[str, Callable[[], object]] = {
        "reference": lambda: reference.tag(pixels),
        "ours": lambda: scorer.score(model.look(pixels), bank),
    }
    return added_memory(ways[way])


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[2]))
    with torch.inference_mode():
        print(call_memory(sys.argv[1], QUICK if "--quick" in sys.argv else FULL))
