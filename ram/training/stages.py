"""A backbone cut in two: the first stages stay frozen and run once a picture, the last ones learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from ram.models.image_encoder import as_patches


@dataclass(frozen=True, eq=False)
class Stages:
    """The two parts of a backbone.

    Args:
        backbone: the whole.
        frozen, learning: what runs first, what runs on its result; both map (batch, channels, height, width).
    """

    backbone: nn.Module
    frozen: Sequence[nn.Module]
    learning: Sequence[nn.Module]

    def begin(self, pixels: torch.Tensor) -> torch.Tensor:
        """(batch, 3, height, width) to what the frozen part makes of them, (batch, places, channels), row by row."""
        return _run(self.frozen, pixels).flatten(2).transpose(1, 2)

    def finish(self, places: torch.Tensor) -> torch.Tensor:
        """(batch, places, channels) of :meth:`begin` to the backbone's (batch, patches, channels)."""
        rows = round(places.shape[1] ** 0.5)
        features = places.unflatten(1, (rows, rows)).permute(0, 3, 1, 2)
        return as_patches(self.backbone, _run(self.learning, features))

    def learn(self) -> None:
        """Freeze all but the last stages."""
        self.backbone.requires_grad_(False)
        for module in self.learning:
            module.requires_grad_(True)


def cut(backbone: nn.Module, last: int) -> Stages:
    """A timm EfficientNet whose ``last`` stages learn, with what follows them.

    Raises:
        ValueError: another kind of network, or it has fewer stages.
    """
    parts = ("conv_stem", "bn1", "blocks", "conv_head", "bn2")
    if not all(hasattr(backbone, part) for part in parts):
        raise ValueError(
            f"learning_stages works for EfficientNets, and {type(backbone).__name__} is none: set learning_stages = 0"
        )
    stem, norm, blocks, head, last_norm = (getattr(backbone, part) for part in parts)
    if last >= len(blocks):
        raise ValueError(
            f"learning_stages is {last} of {len(blocks)} stages: to teach them all, set freeze_backbone = false"
        )
    first = len(blocks) - last
    return Stages(backbone, (stem, norm, *blocks[:first]), (*blocks[first:], head, last_norm))


def _run(modules: Sequence[nn.Module], x: torch.Tensor) -> torch.Tensor:
    for module in modules:
        x = module(x)
    return x
