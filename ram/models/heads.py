"""The shared head: one linear layer from the decoder's state of any tag to its logit."""

from __future__ import annotations

import torch
from torch import nn


class SharedHead(nn.Linear):
    """The published head: the same linear layer for every tag.

    Args:
        hidden: width of the decoder.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__(hidden, 1)

    def forward(  # type: ignore[override]
        self, aligned: torch.Tensor, blended: torch.Tensor
    ) -> torch.Tensor:
        """Logits (batch, tags).

        Args:
            aligned: (batch, tags, hidden) of the decoder.
            blended: (batch, tags, dim) blended embeddings, which this head ignores.
        """
        return super().forward(aligned).squeeze(-1)
