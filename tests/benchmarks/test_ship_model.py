"""Shipping: probabilities change, rankings do not."""

import dataclasses

import numpy as np
import pytest
import torch

from benchmarks.ship_model import fit_cut, fold, score, strengths
from ram.models.build import build_model
from ram.models.config import DecoderConfig
from ram.tagger import Tagger
from tests.tiny import HashTextEncoder, tiny_bank
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


def test_the_cut_leaves_two_percent_of_the_photos_below():
    photos = np.random.default_rng(0).normal(4, 1, 1000).astype(np.float32)
    assert (photos < fit_cut(photos)).sum() == pytest.approx(20, abs=1)


def test_the_strength_of_a_shipped_model_is_that_of_its_tagger(model):
    bank, patches = tiny_bank(), torch.randn(1, 4, model.image_encoder.project.in_features)
    tagger = Tagger(dataclasses.replace(toy_model(), unlike_below=0.0), model.eval(), bank, HashTextEncoder)
    features = tagger.model.image_encoder.embed(patches)
    assert strengths(model, patches, bank) == pytest.approx(tagger.strength(features).value, abs=1e-5)
