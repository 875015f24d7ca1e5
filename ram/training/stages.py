"""A backbone in two parts: frozen first stages, whose output is cached, and trained last stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from ram.errors import InputError
from ram.models.image_encoder import as_patches


@dataclass(frozen=True, eq=False)
class Stages:
    """The two parts of a backbone.

    Args:
        backbone: the whole backbone.
        frozen, learning: first and second part; both map (batch, channels, height, width).
    """

    backbone: nn.Module
    frozen: Sequence[nn.Module]
    learning: Sequence[nn.Module]

    def begin(self, pixels: torch.Tensor) -> torch.Tensor:
        """Run the frozen part: (batch, 3, height, width) to (batch, positions, channels), row by row."""
        return _run(self.frozen, pixels).flatten(2).transpose(1, 2)

    def finish(self, begun: torch.Tensor) -> torch.Tensor:
        """Run the trained part: (batch, positions, channels) of :meth:`begin` to (batch, patches, channels)."""
        rows = round(begun.shape[1] ** 0.5)
        features = begun.unflatten(1, (rows, rows)).permute(0, 3, 1, 2)
        return as_patches(self.backbone, _run(self.learning, features))

    def learn(self) -> None:
        """Freeze everything but the trained part."""
        self.backbone.requires_grad_(False)
        for module in self.learning:
            module.requires_grad_(True)


def cut(backbone: nn.Module, last: int) -> Stages:
    """Cut a timm EfficientNet before its ``last`` stages, which are trained with the layers that follow them.

    Raises:
        InputError: it is another kind of network, or has too few stages.
    """
    parts = ("conv_stem", "bn1", "blocks", "conv_head", "bn2")
    if not all(hasattr(backbone, part) for part in parts):
        raise InputError(
            f"learning_stages works for EfficientNets, and {type(backbone).__name__} is none: set learning_stages = 0"
        )
    stem, norm, blocks, head, last_norm = (getattr(backbone, part) for part in parts)
    if last >= len(blocks):
        raise InputError(
            f"learning_stages is {last} of {len(blocks)} stages: to train them all, set freeze_backbone = false"
        )
    first = len(blocks) - last
    return Stages(backbone, (stem, norm, *blocks[:first]), (*blocks[first:], head, last_norm))


def _run(modules: Sequence[nn.Module], x: torch.Tensor) -> torch.Tensor:
    for module in modules:
        x = module(x)
    return x
