"""Named terms beside the decoder's logit; the oracle computes each of them in numpy, one image and tag at a time."""

import copy
import dataclasses

import numpy as np
import pytest
import torch

from ram.models.config import EnsembleConfig
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.lite.ensemble import Ensemble
from ram.models.lite.model import total
from tests.tiny import DIM, HashTextEncoder, tiny_bank, tiny_config, tiny_model, tiny_pixels, whole_model

COUNTS = (3, 1, 2)


@pytest.fixture
def model():
    return whole_model().requires_grad_(False)


@pytest.fixture
def bank():
    """Three tags with one to three descriptions, and nonsense where there is none."""
    vectors = torch.stack([HashTextEncoder.vector(str(i)) for i in range(9)]).reshape(3, 3, DIM)
    mask = torch.arange(3) < torch.tensor(COUNTS)[:, None]
    return DescriptionEmbeddings(torch.where(mask[..., None], vectors, 1e3), mask)


def with_ensemble(model, config):
    other = copy.deepcopy(model)
    other.ensemble = Ensemble(config)
    return other


def evidence(model, features, bank, decoder=None):
    decoder = torch.zeros(len(features.tokens), bank.tags) if decoder is None else decoder
    return model.evidence(decoder, features, model.prepare(bank))


def cosine(a, b):
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_terms_are_those_of_an_oracle(model, bank):
    features, words = model.look(tiny_pixels(2)), model.words
    power = model.ensemble.config.similarity_power
    terms = evidence(model, features, bank)
    assert list(terms) == ["decoder", "pooled", "classifier"]
    for picture in range(2):
        probabilities = features.class_probabilities[picture].double().numpy()
        pooled = features.tokens[picture, 0].double().numpy()
        for tag, count in enumerate(COUNTS):
            mean = bank.embeddings[tag, :count].double().numpy().mean(0)
            around = mean - words.center.double().numpy()
            both = zip(words.described.double().numpy(), words.glosses.double().numpy(), strict=True)
            similar = [max(0.0, *(cosine(around, text) for text in texts)) ** power for texts in both]
            assert terms["pooled"][picture, tag].item() == pytest.approx(3 * cosine(pooled, mean), abs=1e-5)
            wanted = 2 * max(share * near for share, near in zip(probabilities, similar, strict=True))
            assert terms["classifier"][picture, tag].item() == pytest.approx(wanted, abs=1e-5)


def test_terms_join_the_decoder_in_evaluation_only(model, bank):
    features = model.look(tiny_pixels(2))
    evaluated = model.score(features, bank)
    model.training = True  # its parts stay as they are, or their dropout would hide the difference
    decoder = model.score(features, bank)
    torch.testing.assert_close(evaluated, total(evidence(model, features, bank, decoder)))
    assert (evaluated - decoder).abs().min() > 1e-3


def test_without_a_classifier_only_the_pooled_token_joins():
    model = tiny_model(dataclasses.replace(tiny_config(), ensemble=EnsembleConfig(pooled_weight=2.0)))
    features, bank = model.look(tiny_pixels()), tiny_bank().embedded
    pooled = features.pooled[0].detach().numpy()
    wanted = [2 * cosine(pooled, bank.embeddings[tag][bank.mask[tag]].mean(0).numpy()) for tag in range(bank.tags)]
    terms = evidence(model, features, bank)
    assert list(terms) == ["decoder", "pooled"]
    assert terms["pooled"][0].tolist() == pytest.approx(wanted, abs=1e-5)


def test_a_copied_or_moved_model_uses_its_own_classifier(model):
    copied = copy.deepcopy(model).to(torch.float16)
    assert copied.words is copied.image_encoder.words is not model.words
    assert copied.words.words.dtype == torch.float16
    assert sum(name.endswith("words.words") for name in copied.state_dict()) == 1


def test_a_class_counts_in_full_for_its_own_name(model):
    only = with_ensemble(model, EnsembleConfig(classifier_weight=1.0))
    features = model.look(tiny_pixels(1))
    names = DescriptionEmbeddings((model.words.center + model.words.described)[:, None])
    found, shares = evidence(only, features, names)["classifier"][0], features.class_probabilities[0]
    assert (found >= shares - 1e-6).all() and found.max().item() == pytest.approx(shares.max().item(), abs=1e-6)


def test_terms_without_weight_are_left_out(model, bank):
    features, decoder = model.look(tiny_pixels(2)), torch.randn(2, 3)
    whole = evidence(model, features, bank, decoder)
    for name, config in (
        ("pooled", EnsembleConfig(pooled_weight=3.0)), ("classifier", EnsembleConfig(classifier_weight=2.0)),
    ):  # fmt: skip
        terms = evidence(with_ensemble(model, config), features, bank, decoder)
        assert list(terms) == ["decoder", name] and torch.equal(terms[name], whole[name])


def test_the_decoder_stays_as_it_is(model, bank):
    features, decoder = model.look(tiny_pixels(2)), torch.tensor([[1.0, -2.0, -8.0], [0.5, 3.0, -1.0]])
    assert torch.equal(evidence(model, features, bank, decoder)["decoder"], decoder)
