"""Channel statistics kept with the weights: frozen features of any scale arrive at mean 0 and deviation 1."""

from __future__ import annotations

import torch
from torch import nn


class Standardize(nn.Module):
    """Shift and scale each channel by buffers; leaves its input as it is until :meth:`set` is called.

    Without it a small model barely learns: raw backbone channels differ in scale by orders of magnitude, and unit
    text vectors make queries so faint that the decoder's first LayerNorm drowns them in the attention's output.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("std", torch.ones(channels))

    def set(self, mean: torch.Tensor, std: torch.Tensor) -> None:
        """Take over (channels,) statistics; channels that never change are only shifted."""
        self.mean.copy_(mean)
        self.std.copy_(torch.where(std > 1e-6, std, torch.ones_like(std)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., channels) to the same."""
        return (x - self.mean) / self.std
