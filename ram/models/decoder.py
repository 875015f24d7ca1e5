"""The alignment decoder: every query attends to the image tokens, and none sees another (RAM++, section 3.2)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

NORM_EPS = 1e-12
"""LayerNorm epsilon of BERT, which the published decoder inherits."""


class AlignmentDecoder(nn.Module):
    """Layers of cross-attention and feed-forward, post-norm as in BERT.

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
        self, hidden: int, context_dim: int, heads: int, intermediate: int, layers: int = 2, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            AlignmentBlock(hidden, context_dim, heads, intermediate, dropout) for _ in range(layers)
        )

    def forward(self, queries: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """(batch, tags, hidden) queries and (batch, tokens, context_dim) to (batch, tags, hidden)."""
        for block in self.blocks:
            queries = block(queries, tokens)
        return queries

    def attention(self, queries: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """Attention of each query to each token in the last layer, averaged over heads; for explanations.

        Args:
            queries: (batch, tags, hidden).
            tokens: (batch, tokens, context_dim).

        Returns:
            (batch, tags, tokens); sums to 1 over the tokens.
        """
        *first, last = self.blocks
        for block in first:
            queries = block(queries, tokens)
        assert isinstance(last, AlignmentBlock)
        return last.cross_attention.weights(queries, tokens).mean(dim=1)


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

    def forward(self, queries: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """(batch, tags, hidden) and (batch, tokens, context_dim) to (batch, tags, hidden)."""
        return self.combine(queries, self.cross_attention(queries, tokens))

    def combine(self, queries: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
        """Add what the cross-attention gave to its queries, both (batch, tags, hidden), and feed forward."""
        attended = self.cross_norm(queries + self.dropout(attended))
        return self.mlp_norm(attended + self.dropout(self.contract(F.gelu(self.expand(attended)))))


class CrossAttention(nn.Module):
    """Multi-head attention from queries to context, without self-attention between queries.

    Args:
        hidden: width of the queries and of the result.
        context_dim: width of the context tokens.
        heads: attention heads; must divide ``hidden``.
        dropout: probability with which an attention weight is dropped in training.
    """

    def __init__(self, hidden: int, context_dim: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(hidden, hidden)
        self.key = nn.Linear(context_dim, hidden)
        self.value = nn.Linear(context_dim, hidden)
        self.output = nn.Linear(hidden, hidden)

    def forward(self, queries: torch.Tensor, context: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """(batch, queries, hidden) and (batch, tokens, context_dim) to (batch, queries, hidden); mask of `attend`."""
        query, key, value = (self.split(x) for x in (self.query(queries), self.key(context), self.value(context)))
        mixed = attend(query, key, value, self.dropout if self.training else 0.0, mask)
        return self.output(mixed.transpose(1, 2).flatten(2))

    def weights(self, queries: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """Attention weights (batch, heads, queries, tokens), a softmax over the tokens."""
        return attention_weights(self.split(self.query(queries)), self.split(self.key(context)))

    def split(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, n, hidden) to (batch, heads, n, hidden / heads)."""
        return split_heads(x, self.heads)


def split_heads(x: torch.Tensor, heads: int) -> torch.Tensor:
    """(batch, n, hidden) to (batch, heads, n, hidden / heads)."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def attend(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, dropout: float, mask: torch.Tensor | None = None
) -> torch.Tensor:
    """Scaled dot-product attention; all (batch, heads, n, width).

    A query attends to what a boolean ``mask``, of any shape that fits (batch, heads, queries, tokens), is True for.

    In float32 on a CPU it is computed as it is written, whose rounding keeps logits within 1e-5 of the official ones
    where PyTorch's fused kernel does not; otherwise by the fused kernel.
    """
    if query.device.type == "cpu" and query.dtype == torch.float32:
        return F.dropout(attention_weights(query, key, mask), dropout, training=dropout > 0) @ value
    return F.scaled_dot_product_attention(query, key, value, mask, dropout_p=dropout)


def attention_weights(query: torch.Tensor, key: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """(batch, heads, queries, width) and (batch, heads, tokens, width) to (batch, heads, queries, tokens).

    The query is scaled, not the product. In exact arithmetic both are equal; with the rounding of float32 this order
    lies nearer to float64 on the reference weights.
    """
    scores = query * query.shape[-1] ** -0.5 @ key.mT
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return scores.softmax(dim=-1)
