"""Familiarity of a tag: similarity of its text to the tags that training contained."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ram.models.config import EnsembleConfig


class Familiarity(nn.Module):
    """Store the tags of training with the number of images that showed them.

    Nothing in it is learned by gradient; :meth:`remember` fills it and it is saved with the weights.

    Args:
        config: how many tags are stored, and the numbers behind both scores.
        dim: width of the text embeddings.
    """

    tags: torch.Tensor
    exposure: torch.Tensor
    surplus: torch.Tensor | None

    def __init__(self, config: EnsembleConfig, dim: int) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("tags", torch.zeros(config.remembered_tags, dim))
        self.register_buffer("exposure", torch.zeros(config.remembered_tags))
        self.register_buffer("surplus", torch.zeros(config.remembered_tags) if config.pca_components else None)

    def remember(self, texts: torch.Tensor, images: torch.Tensor, total: int | None = None) -> None:
        """Add tags; those with the most images are stored.

        Args:
            texts: (n, dim) embeddings around the mean of the class names.
            images: (n,) number of training images with each tag.
            total: number of training images; None where it is unknown, and no tag counts as more frequent than usual.
        """
        exposure = (images.log1p() / torch.tensor(1.0 + self.config.familiar_images).log()).clamp(max=1)
        all_exposure = torch.cat([exposure.to(self.exposure), self.exposure])
        all_tags = torch.cat([F.normalize(texts, dim=-1).to(self.tags), self.tags])
        most = all_exposure.argsort(descending=True, stable=True)[: len(self.exposure)]
        self.tags.copy_(all_tags[most])
        self.exposure.copy_(all_exposure[most])
        if self.surplus is not None:
            usual = self.config.usual_frequency
            frequency = torch.zeros_like(exposure) if total is None else (images + 1) / (total + 2)
            surplus = frequency.clamp(min=usual).logit() - torch.tensor(usual).logit()
            self.surplus.copy_(torch.cat([surplus.to(self.surplus), self.surplus])[most])

    def forward(self, texts: torch.Tensor) -> torch.Tensor:
        """Familiarity (n,) in 0..1 of (n, dim) unit vectors: exposure of the nearest stored tag times its nearness."""
        return (self._nearness(texts) * self.exposure).amax(dim=-1)

    def prior(self, texts: torch.Tensor) -> torch.Tensor:
        """Logit (n,) that tags with (n, dim) unit vectors gained by being frequent in training."""
        assert self.surplus is not None, "made without frequencies"
        return (self._nearness(texts) * self.surplus).amax(dim=-1)

    def _nearness(self, texts: torch.Tensor) -> torch.Tensor:
        return (texts @ self.tags.T).clamp(min=0) ** self.config.similarity_power
