"""From what the decoder made of a query to its logit: one head that all tags share, or one a tag."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ram.models.lite.standardize import Standardize


class SharedHead(nn.Linear):
    """The published head: the same linear layer for every tag."""

    def __init__(self, hidden: int) -> None:
        super().__init__(hidden, 1)

    def forward(  # type: ignore[override]
        self, aligned: torch.Tensor, blended: torch.Tensor
    ) -> torch.Tensor:
        """(batch, tags, hidden) of the decoder and (batch, tags, dim) blended embeddings to (batch, tags) logits."""
        return super().forward(aligned).squeeze(-1)


class MatchingHead(SharedHead):
    """The shared head, plus a dot product of the decoder's result with the tag's own text embedding.

    Differs from the paper, where the decoder has to express in its state that what it saw fits what was asked, which a
    few thousand pictures hardly teach. Tag2Text has a head a tag; here it is made from the tag's text, so that unseen
    tags have one too.

    Args:
        hidden: width of the decoder.
        dim: width of the text embeddings.
    """

    def __init__(self, hidden: int, dim: int) -> None:
        super().__init__(hidden)
        self.standardize = Standardize(dim)
        self.match = nn.Linear(dim, hidden)
        nn.init.constant_(self.bias, RARE)

    def forward(  # type: ignore[override]
        self, aligned: torch.Tensor, blended: torch.Tensor
    ) -> torch.Tensor:
        """As above."""
        wanted = self.match(self.standardize(blended)) / aligned.shape[-1] ** 0.5
        return F.linear(aligned, self.weight, self.bias).squeeze(-1) + (aligned * wanted).sum(dim=-1)


class OwnHead(nn.Module):
    """Tag2Text's head: a weight and a bias a tag, the end of its row in the bank."""

    def forward(self, aligned: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """(batch, tags, hidden) of the decoder and (batch, tags, 2 * hidden + 1) rows to (batch, tags) logits."""
        hidden = aligned.shape[-1]
        return (aligned * rows[..., hidden:-1]).sum(dim=-1) + rows[..., -1]


RARE = -3.0
"""Logit of a tag before anything is learnt: most tags are absent from most pictures."""
