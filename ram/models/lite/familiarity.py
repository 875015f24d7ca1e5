"""How much training has taught the decoder about a tag: what it saw pictures of, by the nearness of the texts."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

ELSEWHERE = 0.03
"""Share of the photos of any kind that show even a common tag, as far as is known."""
ENOUGH = 150
"""Pictures of a tag after which it counts as familiar in full; fewer count by their logarithm."""


class Familiarity(nn.Module):
    """Remembers the tags of training. Nothing in it is learnt by gradient; :meth:`remember` fills it.

    Args:
        tags: how many are remembered.
        dim: width of the text embeddings.
        frequency: remember how frequent they were, too.
    """

    tags: torch.Tensor
    practice: torch.Tensor
    surplus: torch.Tensor | None

    def __init__(self, tags: int, dim: int, frequency: bool = False) -> None:
        super().__init__()
        self.register_buffer("tags", torch.zeros(tags, dim))
        self.register_buffer("practice", torch.zeros(tags))
        self.register_buffer("surplus", torch.zeros(tags) if frequency else None)

    def remember(self, texts: torch.Tensor, pictures: torch.Tensor, of: int | None = None) -> None:
        """Add tags, (n, dim) embeddings around 0, and on how many pictures each was seen, (n,), of how many; those that
        were seen most are kept. Where all pictures are not counted, no tag is taken to be more frequent than usual."""
        practice = (pictures.log1p() / torch.tensor(1.0 + ENOUGH).log()).clamp(max=1)
        all_practice = torch.cat([practice.to(self.practice), self.practice])
        all_tags = torch.cat([F.normalize(texts, dim=-1).to(self.tags), self.tags])
        kept = all_practice.argsort(descending=True, stable=True)[: len(self.practice)]
        self.tags.copy_(all_tags[kept])
        self.practice.copy_(all_practice[kept])
        if self.surplus is not None:
            share = torch.zeros_like(practice) if of is None else (pictures + 1) / (of + 2)
            surplus = share.clamp(min=ELSEWHERE).logit() - torch.tensor(ELSEWHERE).logit()
            self.surplus.copy_(torch.cat([surplus.to(self.surplus), self.surplus])[kept])

    def forward(self, texts: torch.Tensor) -> torch.Tensor:
        """(n, dim) unit vectors around 0 to (n,) in 0..1: by the fourth power of the cosine with a remembered tag,
        times the practice with it."""
        return (self._near(texts) * self.practice).amax(dim=-1)

    def owed(self, texts: torch.Tensor) -> torch.Tensor:
        """(n, dim) as before to (n,): by how much the logit of a tag so near to one of training is higher for being
        more frequent there than :data:`ELSEWHERE`."""
        assert self.surplus is not None, "made without frequencies"
        return (self._near(texts) * self.surplus).amax(dim=-1)

    def _near(self, texts: torch.Tensor) -> torch.Tensor:
        return (texts @ self.tags.T).clamp(min=0) ** 4
