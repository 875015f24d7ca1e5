"""Text-side parts of the small models: standardised queries, and a head that matches states with texts."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ram.models.heads import SharedHead
from ram.models.lite.standardize import Standardize
from ram.models.reweighting import TextQueries

ABSENT_LOGIT = -3.0
"""Initial logit of every tag: most tags are absent from most images."""


class StandardizedQueries(TextQueries):
    """Standardise blended text embeddings per channel, then project them to queries.

    Args:
        dim: width of the text embeddings.
        hidden: width of the decoder.
    """

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__(dim, hidden)
        self.standardize = Standardize(dim)

    def forward(self, blended: torch.Tensor) -> torch.Tensor:
        """(batch, tags, dim) to (batch, tags, hidden)."""
        return super().forward(self.standardize(blended))


class MatchingHead(SharedHead):
    """The shared head, plus a dot product of the decoder's state with the tag's own text embedding.

    Differs from the paper, where the decoder has to express in its state how well the image fits the query, which a
    few thousand images hardly teach. Tag2Text has a head per tag; this one makes it from the tag's text, so that
    unseen tags have one too.

    Args:
        hidden: width of the decoder.
        dim: width of the text embeddings.
    """

    def __init__(self, hidden: int, dim: int) -> None:
        super().__init__(hidden)
        self.standardize = Standardize(dim)
        self.match = nn.Linear(dim, hidden)
        nn.init.constant_(self.bias, ABSENT_LOGIT)

    def forward(  # type: ignore[override]
        self, aligned: torch.Tensor, blended: torch.Tensor
    ) -> torch.Tensor:
        """(batch, tags, hidden) states and (batch, tags, dim) blended embeddings to (batch, tags) logits."""
        wanted = self.match(self.standardize(blended)) / aligned.shape[-1] ** 0.5
        return F.linear(aligned, self.weight, self.bias).squeeze(-1) + (aligned * wanted).sum(dim=-1)
