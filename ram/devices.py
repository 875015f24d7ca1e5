"""Where a network runs and in which numbers: what "auto" stands for."""

from __future__ import annotations

import torch
from torch import nn

LARGE = 50_000_000
"""Parameters from which a CPU computes in bfloat16 where it has instructions for it: Swin-L then takes half the time,
while the lite model, which is faster too, had 34 of 783 tags of 40 photos change."""


def find_device(name: str) -> torch.device:
    """The device of a name, "auto" being a GPU where there is one; ValueError where it cannot be used here."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"device {name!r} cannot be used here ({reason}): try --device cpu") from None
    return device


def choose_dtype(name: str, model: nn.Module, device: torch.device) -> torch.dtype:
    """The number format of a name, "auto" being the fastest that tags alike; ValueError where there is none."""
    if name == "auto":
        if device.type == "cpu":
            return fastest_dtype(model)
        return torch.float16 if device.type == "cuda" else torch.float32
    known = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
    if name not in known:
        raise ValueError(f"dtype {name!r} is unknown: choose auto or one of {', '.join(known)}")
    return known[name]


def fastest_dtype(model: nn.Module) -> torch.dtype:
    """On this CPU: bfloat16 for a large model where the processor has it, else float32."""
    large = sum(weight.numel() for weight in model.parameters()) >= LARGE
    return torch.bfloat16 if large and has_bfloat16() else torch.float32


def has_bfloat16() -> bool:
    """Does the processor multiply bfloat16 itself? Elsewhere it is slower than float32."""
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
