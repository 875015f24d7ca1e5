"""How much training has taught the decoder about a tag: what it saw pictures of, by the nearness of the texts."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

ENOUGH = 150
"""Pictures of a tag after which it counts as familiar in full; fewer count by their logarithm."""


class Familiarity(nn.Module):
    """Remembers the tags of training. Nothing in it is learnt by gradient; :meth:`remember` fills it.

    Args:
        tags: how many are remembered.
        dim: width of the text embeddings.
    """

    tags: torch.Tensor
    practice: torch.Tensor

    def __init__(self, tags: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("tags", torch.zeros(tags, dim))
        self.register_buffer("practice", torch.zeros(tags))

    def remember(self, texts: torch.Tensor, pictures: torch.Tensor) -> None:
        """Add tags, (n, dim) embeddings around 0, and on how many pictures each was seen, (n,); those that were seen
        most are kept."""
        practice = (pictures.log1p() / torch.tensor(1.0 + ENOUGH).log()).clamp(max=1)
        all_practice = torch.cat([practice.to(self.practice), self.practice])
        all_tags = torch.cat([F.normalize(texts, dim=-1).to(self.tags), self.tags])
        kept = all_practice.argsort(descending=True, stable=True)[: len(self.practice)]
        self.tags.copy_(all_tags[kept])
        self.practice.copy_(all_practice[kept])

    def forward(self, texts: torch.Tensor) -> torch.Tensor:
        """(n, dim) unit vectors around 0 to (n,) in 0..1: by the fourth power of the cosine with a remembered tag,
        times the practice with it."""
        near = (texts @ self.tags.T).clamp(min=0) ** 4
        return (near * self.practice).amax(dim=-1)
