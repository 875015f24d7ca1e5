"""Named terms beside the decoder's logit; the oracle computes each of them in numpy, one image and tag at a time."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ram.models.config import EnsembleConfig
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.lite.ensemble import Ensemble
from ram.models.lite.familiarity import Familiarity
from ram.models.lite.model import total
from tests.tiny import DIM, HashTextEncoder, tiny_bank, tiny_config, tiny_model, tiny_pixels, whole_model

COUNTS = (3, 1, 2)
UNSEEN = EnsembleConfig(
    pooled_weight=3.0, classifier_weight=2.0, unseen_classifier_weight=5.0, remembered_tags=1, familiar_images=9
)
PRIOR = dataclasses.replace(UNSEEN, remembered_tags=3, prior_correction=0.4, pca_components=2)


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
    other.ensemble = Ensemble(config, DIM)
    return other


def evidence(model, features, bank, decoder=None):
    decoder = torch.zeros(len(features.tokens), bank.tags) if decoder is None else decoder
    return model.evidence(decoder, features, model.prepare(bank))


def cosine(a, b):
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_terms_are_weighted_cosines_with_mean_descriptions(model, bank):
    features, words = model.look(tiny_pixels(2)), model.words
    terms = evidence(model, features, bank)
    assert list(terms) == ["decoder", "pooled", "classifier"]
    for picture in range(2):
        class_words = features.class_words[picture, 1:].double().numpy()
        pooled = features.tokens[picture, 0].double().numpy()
        for tag, count in enumerate(COUNTS):
            mean = bank.embeddings[tag, :count].double().numpy().mean(0)
            around = mean - words.center.double().numpy()
            nearest = max(0.0, *(cosine(around, name) for name in words.words.double().numpy()))
            assert terms["pooled"][picture, tag].item() == pytest.approx(3 * cosine(pooled, mean), abs=1e-5)
            wanted = 2 * nearest**4 * max(cosine(patch, around) for patch in class_words)
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


def test_class_words_count_in_full_for_the_name_of_a_class(model):
    only = with_ensemble(model, EnsembleConfig(classifier_weight=1.0))
    features = model.look(tiny_pixels(1))
    names = DescriptionEmbeddings((model.words.center + model.words.words)[:, None])
    class_words = features.class_words[0, 1:].numpy()
    wanted = [max(cosine(patch, word) for patch in class_words) for word in model.words.words.numpy()]
    assert evidence(only, features, names)["classifier"][0].tolist() == pytest.approx(wanted, abs=1e-5)


def test_familiarity_grows_with_images_and_with_nearness():
    memory, axes = Familiarity(dataclasses.replace(UNSEEN, remembered_tags=3), 3), torch.eye(3)
    memory.remember(axes * 7, torch.tensor([9, 0, 4]))
    between = F.normalize(torch.tensor([[3.0, 1, 0], [1, 3, 0]]), dim=-1)
    full, none, some, near, far = memory(torch.stack([*axes, *between])).tolist()
    assert full == pytest.approx(1) and none == 0 and 0 < some < 1
    assert full > near > far > 0
    assert memory(-axes).max() == 0


def test_later_tags_replace_those_with_the_fewest_images():
    memory, axes = Familiarity(dataclasses.replace(UNSEEN, remembered_tags=2), 4), torch.eye(4)
    memory.remember(axes[:2], torch.tensor([6, 2]))
    memory.remember(axes[2:], torch.tensor([4, 1]))
    assert [round(familiar, 3) > 0 for familiar in memory(axes).tolist()] == [True, False, True, False]


def test_an_unseen_tag_relies_more_on_the_classifier(model, bank):
    features, decoder = model.look(tiny_pixels(2)), torch.tensor([[1.0, -2.0, -8.0], [0.5, 3.0, -1.0]])
    seen = with_ensemble(model, dataclasses.replace(UNSEEN, unseen_classifier_weight=0.0, remembered_tags=0))
    other = with_ensemble(model, UNSEEN)
    other.remember(bank.rows(slice(0, 1)), torch.tensor([9]))
    before, after = (evidence(one, features, bank, decoder) for one in (seen, other))
    assert torch.equal(after["pooled"], before["pooled"])
    for name in ("decoder", "classifier"):  # the first tag was in training
        torch.testing.assert_close(after[name][:, 0], before[name][:, 0], atol=1e-5, rtol=0)
    towards = (decoder - UNSEEN.absent_logit).sign()
    assert ((before["decoder"] - after["decoder"])[:, 1:] * towards[:, 1:] > 0.1).all()
    assert (after["classifier"].abs() > before["classifier"].abs())[:, 1:].all()


def test_without_damping_the_decoder_stays_as_it_is(model, bank):
    features, decoder = model.look(tiny_pixels(2)), torch.randn(2, 3)
    undamped = with_ensemble(model, dataclasses.replace(UNSEEN, damping=0.0))
    assert torch.equal(evidence(undamped, features, bank, decoder)["decoder"], decoder)


def test_a_frequent_tag_loses_its_prior_on_a_novel_image(model):
    features = model.look(tiny_pixels(2))
    bank = DescriptionEmbeddings((model.words.center + torch.eye(3, DIM))[:, None])  # no two are near
    corrected = with_ensemble(model, PRIOR)
    corrected.remember(bank, torch.tensor([150, 10, 0]), 200)
    assert evidence(corrected, features, bank)["prior"].abs().max() == 0  # nothing is novel before a fit
    pooled = features.pooled
    corrected.ensemble.novelty.fit(*(pooled[:1] + 0.01 * torch.randn(2, 30, DIM)))  # as the first image, not the other
    terms = evidence(corrected, features, bank)
    frequent, some, rare = terms["prior"][1].tolist()
    assert frequent < some < 0 and rare == pytest.approx(0, abs=0.05)
    assert terms["prior"][0, 0].abs() < 0.1 * abs(frequent)
    assert list(terms) == ["decoder", "pooled", "classifier", "prior"]


def test_what_a_tag_gains_in_training_is_its_odds_over_the_usual(model):
    memory, axes = Familiarity(dataclasses.replace(PRIOR, usual_frequency=0.1), 3), torch.eye(3)
    memory.remember(axes, torch.tensor([499, 1, 199]), total=998)
    frequent, rare, some = memory.prior(axes).tolist()
    assert frequent == pytest.approx(np.log(0.5 / 0.5) - np.log(0.1 / 0.9), abs=1e-5)
    assert some == pytest.approx(np.log(0.2 / 0.8) - np.log(0.1 / 0.9), abs=1e-5) and rare == 0
    memory.remember(axes[:1], torch.tensor([10_000]))  # of an unknown number of images
    assert memory.surplus[0] == 0
