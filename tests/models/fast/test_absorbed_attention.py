"""Absorbed projections change nothing but the rounding."""

import copy

import pytest
import torch

from ram.models.decoder import AlignmentDecoder
from ram.models.fast.absorbed_attention import absorb_projections, read

BATCH, TOKENS, HIDDEN, CONTEXT, LAYERS = 2, 7, 12, 10, 2
MANY, SOME, FEW = 40, 6, 1


def decoder_of(heads, dropout=0.0):
    decoder = AlignmentDecoder(HIDDEN, CONTEXT, heads, intermediate=20, layers=LAYERS, dropout=dropout).eval()
    for parameter in decoder.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return decoder


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("queries", [MANY, SOME, FEW])
def test_the_fast_decoder_equals_the_plain_one(heads, queries):
    plain = decoder_of(heads)
    fast = copy.deepcopy(plain)
    absorb_projections(fast)
    asked, tokens = torch.randn(BATCH, queries, HIDDEN), torch.randn(BATCH, TOKENS, CONTEXT)
    for context in read(fast, tokens, queries):
        assert (context.bias is not None, context.values is None) == (queries == MANY, queries == FEW)
    torch.testing.assert_close(fast(asked, tokens), plain(asked, tokens), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(fast.attention(asked, tokens), plain.attention(asked, tokens), atol=1e-5, rtol=1e-5)


def test_tokens_are_read_once_for_many_chunks():
    plain = decoder_of(2)
    fast = copy.deepcopy(plain)
    absorb_projections(fast)
    asked, tokens = torch.randn(BATCH, MANY, HIDDEN), torch.randn(BATCH, TOKENS, CONTEXT)
    contexts = read(fast, tokens, MANY)
    parts = [fast(chunk, contexts) for chunk in asked.split(7, dim=1)]
    torch.testing.assert_close(torch.cat(parts, dim=1), plain(asked, tokens), atol=1e-5, rtol=1e-5)


def test_nothing_is_absorbed_in_training():
    decoder = decoder_of(1, dropout=0.5)
    tokens = torch.randn(BATCH, TOKENS, CONTEXT)
    assert all(context.bias is None for context in read(decoder.train(), tokens, MANY))
    assert all(context.bias is not None for context in read(decoder.eval(), tokens, MANY))
