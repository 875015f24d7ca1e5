"""An explanation says what the decoder did, and leaving a description out is scoring without it."""

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ram.models.build import build_model
from ram.models.decoder import CrossAttention
from ram.models.scoring import Scorer
from ram.tagger import Tagger
from tests.tiny import HashTextEncoder, tiny_bank, tiny_config, whole_config


def tagger_of(config):
    """Over pictures of 2 x 2 patches, so that there is something to look at."""
    torch.manual_seed(0)
    config = dataclasses.replace(config, image=dataclasses.replace(config.image, size=64, grid=0))
    return Tagger(config, build_model(config), tiny_bank(), HashTextEncoder)


@pytest.fixture(params=[tiny_config, whole_config], ids=["official", "all parts"])
def tagger(request):
    return tagger_of(request.param())


@pytest.fixture
def features(tagger):
    return tagger.model.look(torch.randn(1, 3, 64, 64))


def test_the_weights_are_those_of_torchs_own_attention():
    """With the values an identity, scaled dot-product attention returns its own weights."""
    layer = CrossAttention(hidden=24, context_dim=16, heads=4)
    queries, context = torch.randn(2, 3, 24), torch.randn(2, 5, 16)
    query = layer.query(queries).reshape(2, 3, 4, 6).transpose(1, 2)
    key = layer.key(context).reshape(2, 5, 4, 6).transpose(1, 2)
    expected = F.scaled_dot_product_attention(query, key, torch.eye(5).expand(2, 4, 5, 5))
    torch.testing.assert_close(layer.weights(queries, context), expected, atol=1e-6, rtol=0)


def test_the_shown_attention_mixes_the_decoders_values(tagger, features):
    """Rebuild what the last layer's attention gave from the weights of each head."""
    decoder, bank = tagger.model.decoder, tagger.bank.embedded
    seen = {}
    decoder.blocks[-1].cross_attention.register_forward_hook(lambda _, given, made: seen.update(given=given, made=made))
    tagger.score_batch(features, bank)
    layer = decoder.blocks[-1].cross_attention
    queries, tokens = seen["given"][0], features.tokens
    weights = layer.weights(queries, tokens)
    values = layer.value(tokens).unflatten(-1, (layer.heads, -1)).transpose(1, 2)
    rebuilt = layer.output((weights @ values).transpose(1, 2).flatten(2))
    torch.testing.assert_close(rebuilt, seen["made"], atol=1e-5, rtol=0)
    torch.testing.assert_close(Scorer(tagger.model).attention(features, bank), weights.mean(1), atol=1e-6, rtol=0)


def test_attention_is_shared_out_among_the_patches_and_the_whole(tagger, features):
    told = tagger.explain(features, tagger.bank, "dog")
    assert told.attention.shape == (2, 2)
    assert told.attention.min() >= 0
    assert told.attention.sum() + told.pooled == pytest.approx(1, abs=1e-5)


def test_the_map_follows_what_is_in_the_picture(tagger, features):
    """Two patches change places, and so does what is paid to them."""
    order = torch.tensor([0, 4, 2, 3, 1])
    told = tagger.explain(features, tagger.bank, "dog")
    swapped = tagger.explain(dataclasses.replace(features, tokens=features.tokens[:, order]), tagger.bank, "dog")
    np.testing.assert_allclose(swapped.attention.ravel()[[3, 1, 2, 0]], told.attention.ravel(), atol=1e-6)


def test_the_effect_of_a_patch_is_what_the_logit_loses_without_its_token(tagger, features):
    """The decoder alone, given a photo of which one patch token is missing."""
    found = tagger.explain(features, tagger.bank, "dog").patch_effects
    assert found.shape == (2, 2) and np.ptp(found) > 1e-4
    dog = tagger.bank.vocabulary.id("dog")
    whole = tagger.score_batch(features, tagger.bank.embedded).terms["decoder"][0, dog]
    for patch in range(4):
        kept = torch.tensor([token for token in range(5) if token != patch + 1])
        seen = dataclasses.replace(features, tokens=features.tokens[:, kept])
        without = tagger.score_batch(seen, tagger.bank.embedded).terms["decoder"][0, dog]
        assert found.ravel()[patch] == pytest.approx(float(whole - without), abs=1e-5)


def test_without_a_description_is_the_score_of_the_others(tagger, features):
    told = tagger.explain(features, tagger.bank, "dog")
    sentences = tagger.bank.descriptions["dog"]
    for place in range(len(sentences)):
        others = [text for at, text in enumerate(sentences) if at != place]
        expected = tagger.score(features, tagger.embed({"dog": others}))["dog"].probability
        assert told.without[place] == pytest.approx(expected, abs=1e-6)
    assert told.score.probability == pytest.approx(tagger.score(features)["dog"].probability, abs=1e-6)
    by_text = {one.text: one.weight for one in told.score.descriptions}
    assert [by_text[text] for text in sentences] == pytest.approx(told.weights.tolist(), abs=1e-6)


def test_explaining_never_looks_again_and_changes_no_score(tagger, features):
    looks = []
    tagger.model.image_encoder.register_forward_hook(lambda *_: looks.append(1))
    before = tagger.score(features).probabilities
    tagger.explain(features, tagger.bank, "pine tree")
    np.testing.assert_array_equal(tagger.score(features).probabilities, before)
    assert looks == []


def test_a_single_description_cannot_be_left_out(tagger, features):
    assert tagger.explain(features, tagger.bank, "cat").without.shape == (0,)


def test_a_tag_that_is_not_in_the_bank_is_refused(tagger, features):
    with pytest.raises(ValueError, match="unicorn"):
        tagger.explain(features, tagger.bank, "unicorn")
