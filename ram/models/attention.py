"""Cross-attention: queries look at a picture's tokens."""

import torch
import torch.nn.functional as F
from torch import nn


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

    def forward(self, queries: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """(batch, queries, hidden) and (batch, tokens, context_dim) to (batch, queries, hidden)."""
        mixed = attend(
            self._split(self.query(queries)),
            self._split(self.key(context)),
            self._split(self.value(context)),
            self.dropout if self.training else 0.0,
        )
        return self.output(mixed.transpose(1, 2).flatten(2))

    def weights(self, queries: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """What :meth:`forward` mixes by: (batch, heads, queries, tokens), each row a softmax over the context."""
        query, key = self._split(self.query(queries)), self._split(self.key(context))
        return (query @ key.mT / query.shape[-1] ** 0.5).softmax(dim=-1)

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, n, hidden) to (batch, heads, n, hidden / heads)."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, dropout: float) -> torch.Tensor:
    """Scaled dot-product attention, (batch, heads, n, width) each.

    In float32 on a CPU by PyTorch's plain kernel, whose rounding keeps logits within 1e-5 of the official ones where
    the fused kernel ends at 1.3e-5, for about 1% of a picture's time; otherwise by the fastest kernel there is.
    """
    if query.device.type == "cpu" and query.dtype == torch.float32:
        return torch.ops.aten._scaled_dot_product_attention_math(query, key, value, dropout_p=dropout)[0]
    return F.scaled_dot_product_attention(query, key, value, dropout_p=dropout)
