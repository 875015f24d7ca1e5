"""The alignment decoder: every query is scored against the picture's tokens, and none sees another."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from ram.models.attention import Context, CrossAttention

NORM_EPS = 1e-12
"""BERT's LayerNorm epsilon, which the published decoder inherits."""


class AlignmentDecoder(nn.Module):
    """Layers of cross-attention and feed-forward, post-norm as in BERT (RAM++, section 3.2).

    There is no self-attention between queries, so a query's result does not depend on which others are asked:
    scoring in chunks is exact, and a new category changes no other score.

    Args:
        hidden: width of the queries.
        context_dim: width of the image tokens.
        heads: attention heads.
        intermediate: width of the feed-forward part.
        layers: number of layers, 2 in the paper (Table 15).
        dropout: probability in training, on attention weights and on each branch before it is added.
    """

    def __init__(
        self,
        hidden: int,
        context_dim: int,
        heads: int,
        intermediate: int,
        layers: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            AlignmentBlock(hidden, context_dim, heads, intermediate, dropout) for _ in range(layers)
        )

    def forward(self, queries: torch.Tensor, tokens: torch.Tensor | Sequence[Context]) -> torch.Tensor:
        """(batch, tags, hidden) queries and (batch, tokens, context_dim), or what :meth:`read` made of them, to
        (batch, tags, hidden)."""
        contexts = self.read(tokens, queries.shape[1]) if isinstance(tokens, torch.Tensor) else tokens
        for block, context in zip(self.blocks, contexts, strict=True):
            queries = block(queries, context)
        return queries

    def attention(self, queries: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """What each query pays to each token in the last layer, the mean of the heads; only for explanations.

        Args:
            queries: (batch, tags, hidden).
            tokens: (batch, tokens, context_dim).

        Returns:
            (batch, tags, tokens); sums to 1 over the tokens.
        """
        for block in self.blocks[:-1]:
            queries = block(queries, tokens)
        last = self.blocks[-1]
        assert isinstance(last, AlignmentBlock)
        return last.cross_attention.weights(queries, tokens).mean(dim=1)

    def read(self, tokens: torch.Tensor, tags: int) -> list[Context]:
        """Every layer's keys and values of (batch, tokens, context_dim), once for all chunks of ``tags``."""
        layers = [block.cross_attention for block in self.blocks]
        return [layer.read(tokens, tags) for layer in layers]  # type: ignore[union-attr, operator]


class AlignmentBlock(nn.Module):
    """One layer: cross-attention, then a feed-forward part with exact GELU, a LayerNorm after each sum."""

    def __init__(self, hidden: int, context_dim: int, heads: int, intermediate: int, dropout: float) -> None:
        super().__init__()
        self.cross_attention = CrossAttention(hidden, context_dim, heads, dropout)
        self.cross_norm = nn.LayerNorm(hidden, eps=NORM_EPS)
        self.expand = nn.Linear(hidden, intermediate)
        self.contract = nn.Linear(intermediate, hidden)
        self.mlp_norm = nn.LayerNorm(hidden, eps=NORM_EPS)
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries: torch.Tensor, context: torch.Tensor | Context) -> torch.Tensor:
        """(batch, tags, hidden) and tokens, or what the layer has read of them, to (batch, tags, hidden)."""
        attended = self.cross_norm(queries + self.dropout(self.cross_attention(queries, context)))
        return self.mlp_norm(attended + self.dropout(self.contract(F.gelu(self.expand(attended)))))
