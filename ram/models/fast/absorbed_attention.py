"""Cross-attention with projections moved to where they are less work: into the keys and values, or into the queries.

The score of a query q and a token k is q W_q W_k^T k^T. Where there are many more queries than tokens it is less work
to multiply the tokens by both matrices, for every head, than to project every query; likewise for the output. Where
there are fewer queries than tokens, as for one new category and many kept looks, it is less work to multiply the
queries by both, and to project the weighted sum of the tokens instead of every token.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MethodType
from typing import NamedTuple

import torch

from ram.models.decoder import AlignmentDecoder, CrossAttention, attend


class Context(NamedTuple):
    """Keys and values of an attention layer for one batch of images, to be used by any number of queries.

    Args:
        keys: (batch, heads, tokens, width); absorbed (batch, hidden, heads * tokens), to be multiplied by bare queries.
        values: (batch, heads, tokens, width); absorbed (batch, heads * tokens, hidden), whose sum needs no output
            projection; None where the keys are bare tokens (batch, tokens, context_dim), for few queries.
        bias: (batch, 1, heads * tokens) added by the query projection's bias to each score; None where nothing is
            absorbed.
    """

    keys: torch.Tensor
    values: torch.Tensor | None
    bias: torch.Tensor | None = None


def absorb_projections(decoder: AlignmentDecoder) -> None:
    """Let a decoder read image tokens once per call, in the form that is cheaper for its number of queries.

    Its forward then takes (batch, tokens, context_dim) as before, or what :func:`read` made of them.
    """
    decoder.forward = MethodType(_decode, decoder)  # type: ignore[method-assign]
    for layer in _layers(decoder):
        layer.forward = MethodType(_attend, layer)  # type: ignore[method-assign]


def read(decoder: AlignmentDecoder, tokens: torch.Tensor, queries: int) -> list[Context]:
    """Keys and values of every layer from (batch, tokens, context_dim), for so many queries in all chunks."""
    return [_read(layer, tokens, queries) for layer in _layers(decoder)]


def _layers(decoder: AlignmentDecoder) -> list[CrossAttention]:
    return [block.cross_attention for block in decoder.blocks]  # type: ignore[misc]


def _decode(decoder: AlignmentDecoder, queries: torch.Tensor, tokens: torch.Tensor | Sequence[Context]) -> torch.Tensor:
    """Twin of :meth:`AlignmentDecoder.forward`."""
    contexts = read(decoder, tokens, queries.shape[1]) if isinstance(tokens, torch.Tensor) else tokens
    for block, context in zip(decoder.blocks, contexts, strict=True):
        queries = block(queries, context)
    return queries


def _attend(layer: CrossAttention, queries: torch.Tensor, context: torch.Tensor | Context) -> torch.Tensor:
    """Twin of :meth:`CrossAttention.forward`."""
    if isinstance(context, torch.Tensor):
        context = _read(layer, context, queries.shape[1])
    if context.values is None:
        return _attend_to_tokens(layer, queries, context.keys)
    if context.bias is None:
        dropout = layer.dropout if layer.training else 0.0
        mixed = attend(layer.split(layer.query(queries)), context.keys, context.values, dropout)
        return layer.output(mixed.transpose(1, 2).flatten(2))
    scores = torch.baddbmm(context.bias, queries, context.keys)
    weights = scores.unflatten(-1, (layer.heads, -1)).softmax(dim=-1).flatten(-2)
    return torch.baddbmm(layer.output.bias, weights, context.values)


def _attend_to_tokens(layer: CrossAttention, queries: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """Attend from (batch, n, hidden) to bare (batch, tokens, context_dim).

    The key's bias adds the same to every score of a query, so the softmax does not depend on it.
    """
    query = layer.split(layer.query(queries))
    heads, width = query.shape[1], query.shape[3]
    key, value = layer.key.weight.unflatten(0, (-1, width)), layer.value.weight.unflatten(0, (-1, width))
    towards = _by_head(query / width**0.5, key).flatten(1, 2)  # (batch, heads * n, context_dim)
    mixed = (towards @ tokens.mT).softmax(dim=-1) @ tokens
    mixed = _by_head(mixed.unflatten(1, (heads, -1)), value.mT)  # (batch, heads, n, width)
    return layer.output(mixed.transpose(1, 2).flatten(2) + layer.value.bias)


def _by_head(x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """(batch, heads, n, a) times (heads, a, b): matmul would copy the weights for every image."""
    product = torch.bmm(x.transpose(0, 1).flatten(1, 2), weights)
    return product.unflatten(1, (len(x), -1)).transpose(0, 1)


def _read(layer: CrossAttention, tokens: torch.Tensor, queries: int) -> Context:
    if not layer.training and _bare_tokens_pay(layer, tokens.shape[1], queries):
        return Context(tokens, None)
    keys, values = layer.split(layer.key(tokens)), layer.split(layer.value(tokens))
    if layer.training or not _absorbing_pays(layer, tokens.shape[1], queries):
        return Context(keys, values)
    width = keys.shape[-1]
    keys = keys / width**0.5
    query, output = layer.query.weight.unflatten(0, (-1, width)), layer.output.weight.unflatten(1, (-1, width))
    return Context(
        (query.mT @ keys.mT).transpose(1, 2).flatten(2),
        (values @ output.permute(1, 2, 0)).flatten(1, 2),
        (keys @ layer.query.bias.unflatten(0, (-1, width, 1))).flatten(1)[:, None],
    )


def _absorbing_pays(layer: CrossAttention, tokens: int, queries: int) -> bool:
    """Whether projecting the tokens once more, for every head, is less work than projecting every query.

    Compares multiplications divided by ``hidden``. The full-size decoder saves a third of its attention; a narrow one,
    whose many heads see many tokens, saves nothing.
    """
    hidden = layer.query.in_features
    return queries * layer.heads * tokens + tokens * hidden < queries * (hidden + tokens)


def _bare_tokens_pay(layer: CrossAttention, tokens: int, queries: int) -> bool:
    """Whether projecting every query twice, for every head, is less work than projecting every token.

    Compares multiplications divided by twice the width of the tokens.
    """
    hidden = layer.query.in_features
    return queries * (layer.heads * tokens + hidden) < tokens * hidden
