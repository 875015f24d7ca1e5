"""Novelty of an image: the error of a principal component analysis of the training images' pooled tokens."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ram.models.config import EnsembleConfig


class Novelty(nn.Module):
    """Measure the part of a pooled token outside the principal components of the training images' tokens.

    Nothing in it is learned by gradient; :meth:`fit` fills it and it is saved with the weights.

    Args:
        config: number of components, and the quantiles of the error that have novelty 0 and 1.
        dim: width of the pooled token.
    """

    center: torch.Tensor
    components: torch.Tensor
    bounds: torch.Tensor

    def __init__(self, config: EnsembleConfig, dim: int) -> None:
        super().__init__()
        self.quantiles = config.novelty_quantiles
        self.register_buffer("center", torch.zeros(dim))
        self.register_buffer("components", torch.zeros(config.pca_components, dim))
        self.register_buffer("bounds", torch.zeros(2))

    def fit(self, pooled: torch.Tensor, held_out: torch.Tensor) -> None:
        """Compute the components of (n, dim) pooled tokens, and the bounds of the error on (m, dim) held-out ones."""
        unit = F.normalize(pooled.float(), dim=-1)
        center = unit.mean(dim=0)
        components = torch.linalg.svd(unit - center, full_matrices=False).Vh[: len(self.components)]
        self.center.copy_(center)
        self.components.zero_()[: len(components)].copy_(components)
        self.bounds.copy_(self.error(held_out).quantile(torch.tensor(self.quantiles, device=held_out.device)))

    def error(self, pooled: torch.Tensor) -> torch.Tensor:
        """Reconstruction error (batch,) in 0..2 of (batch, dim)."""
        rest = F.normalize(pooled.float(), dim=-1) - self.center.float()
        components = self.components.float()
        return (rest - rest @ components.T @ components).norm(dim=-1)

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        """Novelty (batch,) of (batch, dim): 0 as in training, 1 for its rarest images, more beyond; 0 before a fit."""
        low, high = self.bounds.float()
        beyond = (self.error(pooled) - low).clamp(min=0)
        return beyond / (high - low).clamp(min=torch.finfo(beyond.dtype).tiny) * (high > low)
