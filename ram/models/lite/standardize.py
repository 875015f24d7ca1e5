"""Channel statistics saved with the weights: bring features of any scale to mean 0 and standard deviation 1."""

from __future__ import annotations

import torch
from torch import nn


class Standardize(nn.Module):
    """Shift and scale each channel by buffers; the identity until :meth:`set` is called.

    A small model hardly learns without it. Raw backbone channels differ in scale by orders of magnitude, and unit text
    vectors make queries so small that the attention's output dominates the decoder's first LayerNorm.

    Args:
        channels: number of channels.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("std", torch.ones(channels))

    def set(self, mean: torch.Tensor, std: torch.Tensor) -> None:
        """Copy (channels,) statistics; channels that never change are only shifted."""
        self.mean.copy_(mean)
        self.std.copy_(torch.where(std > 1e-6, std, torch.ones_like(std)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., channels) to (..., channels)."""
        return (x - self.mean) / self.std
