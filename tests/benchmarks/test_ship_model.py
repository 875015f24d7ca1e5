"""Shipping: probabilities change, rankings do not."""

import dataclasses

import pytest
import torch

from benchmarks.ship_model import fold, score
from ram.models.build import build_model
from ram.models.config import DecoderConfig
from tests.tiny import tiny_bank
from tests.toy_run import toy_model


@pytest.fixture
def model():
    config = toy_model()
    decoder = DecoderConfig(**{**dataclasses.asdict(config.decoder), "matching": True})
    torch.manual_seed(0)
    return build_model(dataclasses.replace(config, decoder=decoder))


def test_scale_and_shift_are_folded_into_the_head(model):
    patches, bank = torch.randn(3, 4, model.image_encoder.project.in_features), tiny_bank()
    before = score(model, patches, bank)["decoder"]
    fold(model, 0.5, -1.25)
    assert score(model, patches, bank)["decoder"] == pytest.approx(0.5 * before - 1.25, abs=1e-5)
