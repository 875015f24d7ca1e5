"""How unlike the pictures of training a picture is."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

USUAL, RARE_PICTURE = 0.9, 0.99
"""Shares of held-out pictures that are nearer to those of training than one of novelty 0, and than one of novelty 1."""


class Novelty(nn.Module):
    """The part of a pooled token that lies outside the directions in which those of training differ most: the error of
    a principal component analysis. Nothing in it is learnt by gradient; :meth:`fit` fills it.

    Args:
        axes: how many directions are kept.
        dim: width of the pooled token.
    """

    center: torch.Tensor
    axes: torch.Tensor
    usual: torch.Tensor

    def __init__(self, axes: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("center", torch.zeros(dim))
        self.register_buffer("axes", torch.zeros(axes, dim))
        self.register_buffer("usual", torch.zeros(2))

    def fit(self, pooled: torch.Tensor, held_out: torch.Tensor) -> None:
        """Take over the directions of (n, dim) pooled tokens, and from (m, dim) of others what distance is usual."""
        unit = F.normalize(pooled.float(), dim=-1)
        center = unit.mean(dim=0)
        axes = torch.linalg.svd(unit - center, full_matrices=False).Vh[: len(self.axes)]
        self.center.copy_(center)
        self.axes.zero_()[: len(axes)].copy_(axes)
        bounds = torch.tensor([USUAL, RARE_PICTURE], device=held_out.device)
        self.usual.copy_(self.distance(held_out).quantile(bounds))

    def distance(self, pooled: torch.Tensor) -> torch.Tensor:
        """(batch, dim) to (batch,) in 0..2."""
        rest = F.normalize(pooled.float(), dim=-1) - self.center.float()
        axes = self.axes.float()
        return (rest - rest @ axes.T @ axes).norm(dim=-1)

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        """(batch, dim) to (batch,): 0 as in training, 1 for one of its rarest pictures, more beyond; 0 before a fit."""
        low, high = self.usual.float()
        beyond = (self.distance(pooled) - low).clamp(min=0)
        return beyond / (high - low).clamp(min=torch.finfo(beyond.dtype).tiny) * (high > low)
