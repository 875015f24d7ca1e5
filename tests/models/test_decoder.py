"""Every query is scored against the tokens alone; the oracle is BERT's layer written out in numpy."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ram.models.decoder import AlignmentDecoder, CrossAttention

BATCH, TAGS, TOKENS, HIDDEN, CONTEXT, HEADS, LAYERS = 2, 5, 7, 12, 10, 3, 2


@pytest.fixture
def decoder():
    module = AlignmentDecoder(HIDDEN, CONTEXT, HEADS, intermediate=20, layers=LAYERS, dropout=0.4).eval()
    for parameter in module.parameters():  # fresh norms would hide a mistake in them
        torch.nn.init.normal_(parameter, std=0.5)
    return module


@pytest.fixture
def queries():
    return torch.randn(BATCH, TAGS, HIDDEN)


@pytest.fixture
def tokens():
    return torch.randn(BATCH, TOKENS, CONTEXT)


def decode_by_hand(decoder, queries, tokens):
    """Post-norm cross-attention and feed-forward, head by head and query by query, in float64."""
    weights = {name: w.double().numpy() for name, w in decoder.state_dict().items()}
    x, tokens = queries.double().numpy(), tokens.double().numpy()
    erf = np.vectorize(math.erf)

    def linear(x, name):
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x, name):
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    width = HIDDEN // HEADS
    for layer in range(LAYERS):
        name = f"blocks.{layer}"
        q, k, v = (
            linear(source, f"{name}.cross_attention.{part}")
            for source, part in ((x, "query"), (tokens, "key"), (tokens, "value"))
        )
        mixed = np.zeros_like(x)
        for b in range(BATCH):
            for h in range(HEADS):
                own = slice(h * width, (h + 1) * width)
                for t in range(TAGS):
                    scores = np.exp(k[b, :, own] @ q[b, t, own] / math.sqrt(width))
                    mixed[b, t, own] = scores @ v[b, :, own] / scores.sum()
        x = norm(x + linear(mixed, f"{name}.cross_attention.output"), f"{name}.cross_norm")
        expanded = linear(x, f"{name}.expand")
        activated = expanded * (1 + erf(expanded / math.sqrt(2))) / 2
        x = norm(x + linear(activated, f"{name}.contract"), f"{name}.mlp_norm")
    return x


def test_a_layer_is_berts_without_self_attention(decoder, queries, tokens):
    with torch.no_grad():
        np.testing.assert_allclose(decoder(queries, tokens), decode_by_hand(decoder, queries, tokens), atol=1e-5)


def test_a_query_sees_no_other_query(decoder, queries, tokens):
    whole = decoder(queries, tokens)
    for t in range(TAGS):
        torch.testing.assert_close(decoder(queries[:, t : t + 1], tokens), whole[:, t : t + 1])
    order = torch.randperm(TAGS)
    torch.testing.assert_close(decoder(queries[:, order], tokens), whole[:, order])


def test_a_picture_sees_no_other_picture(decoder, queries, tokens):
    whole = decoder(queries, tokens)
    for b in range(BATCH):
        torch.testing.assert_close(decoder(queries[b : b + 1], tokens[b : b + 1]), whole[b : b + 1])


def test_the_order_of_the_tokens_does_not_matter(decoder, queries, tokens):
    torch.testing.assert_close(decoder(queries, tokens), decoder(queries, tokens[:, torch.randperm(TOKENS)]))


def test_dropout_is_for_training_only(decoder, queries, tokens):
    assert torch.equal(decoder(queries, tokens), decoder(queries, tokens))
    decoder.train()
    assert not torch.allclose(decoder(queries, tokens), decoder(queries, tokens))


def test_in_training_whole_branches_can_be_dropped(queries, tokens):
    """At probability 1 nothing is left of a layer but its two norms."""
    decoder = AlignmentDecoder(HIDDEN, CONTEXT, HEADS, intermediate=20, layers=1, dropout=1.0).train()
    twice = F.layer_norm(F.layer_norm(queries, (HIDDEN,), eps=1e-12), (HIDDEN,), eps=1e-12)
    torch.testing.assert_close(decoder(queries, tokens), twice)


def test_in_training_attention_weights_can_be_dropped(queries, tokens):
    """At probability 1 nothing is attended to, and only the bias comes out."""
    attention = CrossAttention(HIDDEN, CONTEXT, HEADS, dropout=1.0).train()
    torch.testing.assert_close(attention(queries, tokens), attention.output.bias.expand(BATCH, TAGS, HIDDEN))


def test_every_weight_learns(decoder, queries, tokens):
    decoder(queries, tokens).square().sum().backward()
    still = {name for name, p in decoder.named_parameters() if not p.grad.abs().max() > 1e-4}
    # adding one number to all keys of a query changes no softmax
    assert still == {f"blocks.{layer}.cross_attention.key.bias" for layer in range(LAYERS)}
