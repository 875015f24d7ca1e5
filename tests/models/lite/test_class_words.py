"""Class words are a mixture of class embeddings; the oracle is numpy."""

import numpy as np
import pytest
import torch
from torch import nn

from ram.models.config import ImageConfig
from ram.models.lite.class_words import ClassWords
from ram.models.lite.image_encoder import LiteImageEncoder

CLASSES, CHANNELS, DIM = 7, 6, 10


@pytest.fixture
def classifier():
    """Weight, bias, and embeddings of the classes, which have much in common."""
    return torch.randn(CLASSES, CHANNELS), torch.randn(CLASSES), 0.2 * torch.randn(CLASSES, DIM) + torch.randn(DIM)


@pytest.fixture
def words(classifier):
    words = ClassWords(CLASSES, CHANNELS, DIM, temperature=2.0)
    words.set(*classifier)
    return words


def encoder_with(words=None, **parts):
    classes = 0 if words is None else CLASSES
    encoder = LiteImageEncoder(nn.Identity(), CHANNELS, DIM, ImageConfig("none", 8, classes=classes, **parts))
    encoder.words = words
    return encoder


def spelled(features, classifier, temperature=2.0):
    """(n, channels) features to logits and to their words, in float64."""
    weight, bias, embeddings = (x.double().numpy() for x in classifier)
    around = embeddings - embeddings.mean(0)
    around = around / np.sqrt((around**2).sum() / (around.size - 1))
    logits = features.double().numpy() @ weight.T + bias
    shares = np.exp(logits / temperature)
    return logits, shares / shares.sum(1, keepdims=True) @ around


def test_class_words_are_a_softmax_over_class_embeddings(words, classifier):
    features = torch.randn(3, CHANNELS)
    logits, said = spelled(features, classifier)
    np.testing.assert_allclose(words(features), logits, atol=1e-5)
    np.testing.assert_allclose(words.embed(words(features)), said, atol=1e-5)


def test_certain_logits_give_one_class_and_equal_ones_nothing(words, classifier):
    logits = torch.zeros(2, CLASSES)
    logits[0, 4] = 100.0
    sure, ignorant = words.embed(logits)
    torch.testing.assert_close(sure, words.words[4])
    torch.testing.assert_close(ignorant, torch.zeros(DIM), atol=1e-5, rtol=0)
    torch.testing.assert_close(words.center, sum(classifier[2]) / CLASSES)


def test_nothing_in_it_learns_and_all_of_it_is_saved(words):
    assert not list(words.parameters())
    assert set(words.state_dict()) == {"weight", "bias", "words", "described", "glosses", "center"}


def test_every_token_gets_its_own_class_words(words, classifier):
    encoder = encoder_with(words, standardize=True)
    encoder.standardize.set(torch.randn(CHANNELS), torch.rand(CHANNELS) + 0.5)
    plain = encoder_with(standardize=True)
    plain.project, plain.standardize = encoder.project, encoder.standardize
    patches = torch.randn(2, 5, CHANNELS)
    features = encoder.embed(patches)
    seen = torch.cat([patches.mean(1, keepdim=True), patches], 1).flatten(0, 1)  # not standardised: as it was trained
    logits, said = spelled(seen, classifier)
    added = said @ encoder.project_words.weight.detach().double().numpy().T
    wanted = plain.embed(patches).tokens.detach().flatten(0, 1) + torch.from_numpy(added)
    np.testing.assert_allclose(features.tokens.detach().flatten(0, 1), wanted, atol=1e-5)
    np.testing.assert_allclose(features.classes, logits.reshape(2, 6, CLASSES)[:, 0], atol=1e-5)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    shares = shares.reshape(2, 6, CLASSES)[:, 1:]
    wanted = np.sqrt(shares.max(axis=1) * shares.mean(axis=1))
    np.testing.assert_allclose(features.class_probabilities, wanted, atol=1e-5)
    assert plain.embed(patches).classes is plain.embed(patches).class_probabilities is None


def test_gradient_reaches_the_backbone_by_logits_not_words(words):
    encoder = encoder_with(words)
    nn.init.zeros_(encoder.project.weight)  # leaves the words alone in the tokens
    patches = torch.randn(2, 5, CHANNELS, requires_grad=True)
    features = encoder.embed(patches)
    features.tokens.square().sum().backward(retain_graph=True)
    assert patches.grad.abs().sum() == 0 and encoder.project_words.weight.grad.abs().sum() > 0
    features.classes.square().sum().backward()
    assert patches.grad.abs().sum() > 0


def test_a_class_counts_by_its_surest_patch_and_by_how_many_show_it(words):
    probabilities = torch.tensor([[[0.9, 0.4], [0.0, 0.4], [0.0, 0.4], [0.1, 0.4]]])
    seen = words.over_patches(probabilities)
    assert seen[0].tolist() == pytest.approx([(0.25 * 0.9) ** 0.5, 0.4])
    left = torch.tensor([[False, True, False, True]])
    assert words.over_patches(probabilities, left)[0].tolist() == pytest.approx([(0.05 * 0.1) ** 0.5, 0.4])
    assert words.over_patches(probabilities, ~left & left)[0].tolist() == [0, 0]


def test_described_anew_tags_meet_other_texts_and_tokens_the_same_words(words):
    before, texts = words.words.clone(), torch.randn(CLASSES, DIM)
    torch.testing.assert_close(torch.nn.functional.normalize(words.described), torch.nn.functional.normalize(before))
    words.describe(texts)
    torch.testing.assert_close(words.described + words.center, texts)
    assert torch.equal(words.words, before) and torch.equal(words.glosses, words.described)


def test_a_tag_is_like_a_class_by_the_nearer_of_its_texts(words):
    texts, glosses, tags = torch.randn(3, CLASSES, DIM).unbind()
    texts[1] = texts[0]  # two classes mean one tag, and only their glosses tell them apart
    words.describe(texts, glosses)
    around, own = (x.double().numpy() - x.double().numpy().mean(0) for x in (texts, glosses))
    means = (tags - texts.mean(0)).double().numpy()
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (means, around, own)]
    wanted = np.maximum(unit[0] @ unit[1].T, unit[0] @ unit[2].T)
    np.testing.assert_allclose(words.likeness(tags), wanted, atol=1e-5)
    assert (words.likeness(tags)[:, 0] != words.likeness(tags)[:, 1]).any()
