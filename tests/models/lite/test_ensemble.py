"""Cosines beside the decoder's logits: those of the pooled token and of the class words, in evaluation only."""

import copy
import dataclasses

import numpy as np
import pytest
import torch

from ram.models.config import EnsembleConfig
from ram.models.heads import RARE
from ram.models.lite.ensemble import DAMPING, GlobalSimilarity
from ram.models.lite.familiarity import ENOUGH, Familiarity
from ram.models.reweighting import DescriptionEmbeddings
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


def cosine(a, b):
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_it_is_the_weighted_cosines_with_the_mean_of_a_tags_own_descriptions(model, bank):
    features, words = model.look(tiny_pixels(2)), model.image_encoder.words
    found = model.similarity(torch.zeros(2, 3), features, bank)
    for picture in range(2):
        shares = np.exp(features.classes[picture].double().numpy() / words.temperature)
        said = shares / shares.sum() @ words.words.double().numpy()
        pooled = features.tokens[picture, 0].double().numpy()
        for tag, count in enumerate(COUNTS):
            mean = bank.embeddings[tag, :count].double().numpy().mean(0)
            around = mean - words.center.double().numpy()
            nearest = max(0.0, *(cosine(around, name) for name in words.words.double().numpy()))
            wanted = 3 * cosine(pooled, mean) + 2 * nearest**4 * cosine(said, around)
            assert found[picture, tag].item() == pytest.approx(wanted, abs=1e-5)


def test_it_is_added_in_evaluation_only(model, bank):
    features = model.look(tiny_pixels(2))
    added = model.similarity(torch.zeros(2, 3), features, bank)
    evaluated = model.score(features, bank)
    model.training = True  # its parts stay as they are, or their dropout would hide the difference
    torch.testing.assert_close(evaluated - model.score(features, bank), added, atol=1e-5, rtol=1e-4)
    assert added.abs().min() > 1e-3


def test_a_model_without_classifier_compares_pooled_tokens_alone():
    model = tiny_model(dataclasses.replace(tiny_config(), ensemble=EnsembleConfig(pooled_weight=2.0)))
    features, bank = model.look(tiny_pixels()), tiny_bank().embedded
    pooled = features.pooled[0].detach().numpy()
    wanted = [2 * cosine(pooled, bank.embeddings[tag][bank.mask[tag]].mean(0).numpy()) for tag in range(bank.tags)]
    assert model.similarity(torch.zeros(1, bank.tags), features, bank)[0].tolist() == pytest.approx(wanted, abs=1e-5)


def test_a_copied_or_moved_model_asks_its_own_classifier(model):
    copied = copy.deepcopy(model).to(torch.float16)
    assert copied.similarity.words[0] is copied.image_encoder.words is not model.image_encoder.words
    assert copied.similarity.words[0].words.dtype == torch.float16
    assert sum(name.endswith("words.words") for name in copied.state_dict()) == 1


def test_class_words_count_in_full_for_the_name_of_a_class(model):
    words = model.image_encoder.words
    features = model.look(tiny_pixels(1))
    names = DescriptionEmbeddings((words.center + words.words)[:, None])
    found = GlobalSimilarity(0.0, 1.0, words=words)(torch.zeros(1, len(words.words)), features, names)[0]
    said = words.spell(features.classes)[0].numpy()
    wanted = [cosine(said, word) for word in words.words.numpy()]
    torch.testing.assert_close(found, torch.tensor(wanted), atol=1e-5, rtol=0)


def test_familiar_is_what_training_has_shown_often_or_what_is_near_to_it():
    memory = Familiarity(2, 3)
    axes = torch.eye(3)
    memory.remember(axes * 7, torch.tensor([ENOUGH, 0, 11]))
    asked = torch.stack([axes[0], axes[1], axes[2], torch.tensor([0.6, 0.8, 0.0]), -axes[0]])
    wanted = [1, 0, np.log(12) / np.log(1 + ENOUGH), 0.6**4, 0]
    assert memory(asked).tolist() == pytest.approx(wanted, abs=1e-6)


def test_what_is_learnt_later_takes_the_place_of_what_was_seen_least():
    memory = Familiarity(2, 4)
    axes = torch.eye(4)
    memory.remember(axes[:2], torch.tensor([60, 20]))
    memory.remember(axes[2:], torch.tensor([40, 3]))
    assert [round(familiar, 3) > 0 for familiar in memory(axes).tolist()] == [True, False, True, False]


def test_of_an_unfamiliar_tag_the_classifier_is_heard_more_and_the_decoder_less(model, bank):
    features, words = model.look(tiny_pixels(2)), model.image_encoder.words
    logits = torch.tensor([[1.0, -2.0, -8.0], [0.5, 3.0, -1.0]])
    before = GlobalSimilarity(3.0, 2.0, words=words)
    after = GlobalSimilarity(3.0, 2.0, 5.0, words, Familiarity(1, DIM))
    after.remember(DescriptionEmbeddings(bank.embeddings[:1], bank.mask[:1]), torch.tensor([ENOUGH]))
    familiar = after.familiarity(after.around(bank.mean()))
    assert familiar[0] == pytest.approx(1, abs=1e-5) and familiar[1:].max() < 0.5
    said = torch.nn.functional.normalize(words.spell(features.classes), dim=-1) @ after.around(bank.mean()).T
    names = torch.nn.functional.normalize(words.words, dim=-1)
    nearest = (after.around(bank.mean()) @ names.T).amax(-1).clamp(min=0)
    wanted = 5 * (1 - familiar) * nearest * said - DAMPING * (1 - familiar) * (logits - RARE)
    found = after(logits, features, bank) - before(logits, features, bank)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)


def test_what_no_picture_changes_is_computed_once_and_changes_no_score(model, bank):
    features, prepared = model.look(tiny_pixels(2)), model.prepare_similarity(bank)
    wanted = model.align(features, bank, 2).logits
    model.similarity.prepare = None  # would be called again
    torch.testing.assert_close(model.align(features, prepared, 2).logits, wanted, atol=1e-6, rtol=0)
