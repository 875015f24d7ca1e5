"""Transformer layers over text that attend to other text and to a context, post-norm as in BERT."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from ram.models.decoder import NORM_EPS, AlignmentBlock, CrossAttention, attend, split_heads


class KeyValues(NamedTuple):
    """Keys and values of an attention layer.

    Args:
        keys, values: (batch, heads, tokens, width).
    """

    keys: torch.Tensor
    values: torch.Tensor

    def rows(self, index: torch.Tensor) -> KeyValues:
        """Some rows of the batch, by a tensor of indices."""
        return KeyValues(self.keys[index], self.values[index])

    def then(self, later: KeyValues) -> KeyValues:
        """These tokens and later ones."""
        return KeyValues(torch.cat([self.keys, later.keys], 2), torch.cat([self.values, later.values], 2))


class TextEmbeddings(nn.Module):
    """Words and positions to states.

    Args:
        vocabulary: number of tokens.
        positions: longest text, in tokens.
        hidden: width of the states.
        pad: token whose embedding learns nothing from being read, as in BERT.
        dropout: probability in training.
    """

    def __init__(self, vocabulary: int, positions: int, hidden: int, pad: int, dropout: float) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, hidden, padding_idx=pad)
        self.positions = nn.Embedding(positions, hidden)
        self.norm = nn.LayerNorm(hidden, eps=NORM_EPS)
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids: torch.Tensor, start: int = 0) -> torch.Tensor:
        """(batch, n) ids, the first at position ``start``, to (batch, n, hidden)."""
        positions = self.positions.weight[start : start + ids.shape[1]]
        return self.dropout(self.norm(self.words(ids) + positions))


class TextLayer(nn.Module):
    """Self-attention over the text, then an alignment block: cross-attention to the context and feed-forward.

    Args:
        hidden: width of the states.
        heads: attention heads, also where the alignment block has others.
        dropout: probability in training.
        alignment: the layer's own.
        tied: in its place, the block of another module whose weights this layer uses; they are that module's.
    """

    def __init__(
        self,
        hidden: int,
        heads: int,
        dropout: float,
        alignment: AlignmentBlock | None = None,
        tied: AlignmentBlock | None = None,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.self_attention = CrossAttention(hidden, hidden, heads, dropout)
        self.self_norm = nn.LayerNorm(hidden, eps=NORM_EPS)
        self.dropout = nn.Dropout(dropout)
        self.alignment = alignment
        self._tied = (tied,)  # in a tuple, which makes it no submodule

    @property
    def aligned(self) -> AlignmentBlock:
        """The alignment block, of its own or tied."""
        block = self._tied[0] if self.alignment is None else self.alignment
        assert isinstance(block, AlignmentBlock)
        return block

    def read(self, context: torch.Tensor) -> KeyValues:
        """Keys and values of the cross-attention from a (batch, tokens, context_dim) context."""
        return _read(self.aligned.cross_attention, context, self.heads)

    def forward(
        self,
        states: torch.Tensor,
        context: KeyValues,
        mask: torch.Tensor | None = None,
        context_mask: torch.Tensor | None = None,
        past: KeyValues | None = None,
    ) -> tuple[torch.Tensor, KeyValues]:
        """One layer.

        Args:
            states: (rows, n, hidden); equally many rows for each of the context's, one after another.
            context: of :meth:`read`.
            mask: of self-attention, True where a state may attend; fits (rows, heads, n, past + n).
            context_mask: of cross-attention; fits (batch, heads, n, tokens).
            past: keys and values of earlier states, to which these attend too.

        Returns:
            (rows, n, hidden), and the keys and values of all states so far.
        """
        present = _read(self.self_attention, states, self.heads)
        present = present if past is None else past.then(present)
        attended = _attend(self.self_attention, states, present, self.heads, mask)
        states = self.self_norm(states + self.dropout(attended))
        queries = states.reshape(len(context.keys), -1, states.shape[-1])  # rows of one context share its keys
        attended = _attend(self.aligned.cross_attention, queries, context, self.heads, context_mask)
        return self.aligned.combine(states, attended.view_as(states)), present


def _read(layer: CrossAttention, context: torch.Tensor, heads: int) -> KeyValues:
    return KeyValues(split_heads(layer.key(context), heads), split_heads(layer.value(context), heads))


def _attend(
    layer: CrossAttention, queries: torch.Tensor, context: KeyValues, heads: int, mask: torch.Tensor | None
) -> torch.Tensor:
    """Attention with a layer's weights in any number of heads."""
    dropout = layer.dropout if layer.training else 0.0
    mixed = attend(split_heads(layer.query(queries), heads), context.keys, context.values, dropout, mask)
    return layer.output(mixed.transpose(1, 2).flatten(2))
