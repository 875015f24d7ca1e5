"""Tag2Text's two parts: a learned query and a head of its own for every tag.

Both stand in the tag's row of the bank, (query, head weight, head bias), so that a bank of learned tags can be cut
into chunks and selected from like one of texts.
"""

from __future__ import annotations

import torch
from torch import nn


class LearnedQueries(nn.Module):
    """Read each tag's learned query from its row of the bank.

    Args:
        hidden: width of the decoder.

    Attributes:
        rows: (tags, 1, 2 * hidden + 1) of the bank while they are trained, see :mod:`ram.training.learned_tags`; None
            in a model that is loaded.
    """

    rows: nn.Parameter | None

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.register_parameter("rows", None)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """(batch, tags, 2 * hidden + 1) to (batch, tags, hidden)."""
        return rows[..., : self.hidden]


class HeadPerTag(nn.Module):
    """Apply each tag's own head, the end of its row of the bank."""

    def forward(self, aligned: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """(batch, tags, hidden) of the decoder and (batch, tags, 2 * hidden + 1) rows to (batch, tags) logits."""
        hidden = aligned.shape[-1]
        return (aligned * rows[..., hidden:-1]).sum(dim=-1) + rows[..., -1]
