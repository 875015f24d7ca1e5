"""From the decoder's result to a logit: one weight for all tags, and a match with the tag's own text on top."""

import dataclasses

import numpy as np
import pytest
import torch

from ram.models.build import build_model
from ram.models.config import DecoderConfig
from ram.models.heads import SharedHead
from ram.models.lite.matching import MatchingHead
from ram.models.lite.model import LiteModel
from tests.tiny import tiny_config

HIDDEN, DIM = 8, 6


@pytest.fixture
def found():
    """(batch, tags, hidden) of the decoder and (batch, tags, dim) blended embeddings."""
    return torch.randn(2, 3, HIDDEN), torch.randn(2, 3, DIM)


def test_the_shared_head_does_not_look_at_the_text(found):
    head, (aligned, blended) = SharedHead(HIDDEN), found
    wanted = aligned.numpy() @ head.weight.detach().numpy()[0] + head.bias.item()
    np.testing.assert_allclose(head(aligned, blended).detach(), wanted, atol=1e-6)
    assert torch.equal(head(aligned, blended), head(aligned, 5 * blended))
    assert set(head.state_dict()) == {"weight", "bias"}  # as in the official files


def test_the_matching_head_adds_a_product_with_the_text(found):
    head, (aligned, blended) = MatchingHead(HIDDEN, DIM), found
    mean, std = torch.randn(DIM), torch.rand(DIM) + 0.5
    head.standardize.set(mean, std)
    logits = head(aligned, blended).detach()
    weight, bias, match, offset = (
        x.detach().double().numpy() for x in (head.weight[0], head.bias, head.match.weight, head.match.bias)
    )
    for picture in range(2):
        for tag in range(3):
            state = aligned[picture, tag].double().numpy()
            text = ((blended[picture, tag] - mean) / std).double().numpy()
            fit = sum(state[h] * (match[h] @ text + offset[h]) for h in range(HIDDEN)) / np.sqrt(HIDDEN)
            assert logits[picture, tag].item() == pytest.approx(state @ weight + bias[0] + fit, abs=1e-5)


def test_an_untrained_matching_head_takes_tags_for_absent(found):
    head, (aligned, blended) = MatchingHead(HIDDEN, DIM), found
    assert head(0 * aligned, blended).sigmoid().max() < 0.05


def test_the_configuration_chooses_the_head():
    official = build_model(tiny_config())
    matching = build_model(
        dataclasses.replace(tiny_config(), decoder=DecoderConfig(24, heads=4, intermediate=48, matching=True))
    )
    assert type(official.head) is SharedHead and type(matching.head) is MatchingHead
    more = set(matching.state_dict()) - set(official.state_dict())
    assert more == {f"head.{name}" for name in ("match.weight", "match.bias", "standardize.mean", "standardize.std")}
    assert not any("words" in name for name in official.state_dict()) and not isinstance(official, LiteModel)
