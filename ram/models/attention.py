"""Cross-attention: queries look at a picture's tokens."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn


class Context(NamedTuple):
    """What an attention layer has read: keys and values for any number of queries.

    Args:
        keys: (batch, heads, tokens, width); absorbed (batch, hidden, heads * tokens), to be multiplied by bare queries.
        values: the same; absorbed (batch, heads * tokens, hidden), whose sum needs no output projection.
        bias: (batch, 1, heads * tokens), what the query projection's bias adds to each score; None where nothing is
            absorbed.
    """

    keys: torch.Tensor
    values: torch.Tensor
    bias: torch.Tensor | None = None


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

    def forward(self, queries: torch.Tensor, context: torch.Tensor | Context) -> torch.Tensor:
        """(batch, queries, hidden) and (batch, tokens, context_dim), or what :meth:`read` made of them, to
        (batch, queries, hidden)."""
        if isinstance(context, torch.Tensor):
            context = self.read(context, queries.shape[1])
        if context.bias is not None:
            scores = torch.baddbmm(context.bias, queries, context.keys)
            weights = scores.unflatten(-1, (self.heads, -1)).softmax(dim=-1).flatten(-2)
            return torch.baddbmm(self.output.bias, weights, context.values)
        mixed = attend(
            self._split(self.query(queries)), context.keys, context.values, self.dropout if self.training else 0.0
        )
        return self.output(mixed.transpose(1, 2).flatten(2))

    def weights(self, queries: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """What :meth:`forward` mixes by: (batch, heads, queries, tokens), each row a softmax over the context."""
        return attention_weights(self._split(self.query(queries)), self._split(self.key(context)))

    def read(self, context: torch.Tensor, queries: int) -> Context:
        """Keys and values of (batch, tokens, context_dim), in the form that is cheaper for so many queries."""
        keys, values = self._split(self.key(context)), self._split(self.value(context))
        if self.training or not self._absorbing_pays(context.shape[1], queries):
            return Context(keys, values)
        width = keys.shape[-1]
        keys = keys / width**0.5
        query, output = self.query.weight.unflatten(0, (-1, width)), self.output.weight.unflatten(1, (-1, width))
        return Context(
            (query.mT @ keys.mT).transpose(1, 2).flatten(2),
            (values @ output.permute(1, 2, 0)).flatten(1, 2),
            (keys @ self.query.bias.unflatten(0, (-1, width, 1))).flatten(1)[:, None],
        )

    def _absorbing_pays(self, tokens: int, queries: int) -> bool:
        """Is it less work to project the tokens once more, for every head, than to project every query?

        Multiplications of either half, divided by ``hidden``. The full-size decoder saves a third of its attention; a
        narrow one, whose many heads see many tokens, has nothing to save.
        """
        hidden = self.query.in_features
        return queries * self.heads * tokens + tokens * hidden < queries * (hidden + tokens)

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, n, hidden) to (batch, heads, n, hidden / heads)."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, dropout: float) -> torch.Tensor:
    """Scaled dot-product attention, (batch, heads, n, width) each.

    In float32 on a CPU as it is written, whose rounding keeps logits within 1e-5 of the official ones where PyTorch's
    fused kernel ends at 1.3e-5, for about 1% of a picture's time; otherwise by the fastest kernel there is.
    """
    if query.device.type == "cpu" and query.dtype == torch.float32:
        return F.dropout(attention_weights(query, key), dropout, training=dropout > 0) @ value
    return F.scaled_dot_product_attention(query, key, value, dropout_p=dropout)


def attention_weights(query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
    """(batch, heads, queries, width) and (batch, heads, tokens, width) to (batch, heads, queries, tokens)."""
    return (query @ key.mT / query.shape[-1] ** 0.5).softmax(dim=-1)
