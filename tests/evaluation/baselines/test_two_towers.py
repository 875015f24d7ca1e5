"""Cosines of two towers as probabilities of each tag on its own."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from ram.evaluation.baselines.two_towers import NEUTRAL, TowerTagger
from tests.tiny import HashTextEncoder

PHOTO = Image.new("RGB", (9, 9))
SENTENCES = {"dog": ("a photo of a dog.", "a wet nose"), "cat": ("a photo of a cat.",)}


class HashTowers:
    name, scale = "hash", 20.0

    def __init__(self, bias=None):
        self.bias = bias

    def encode_image(self, picture):
        return HashTextEncoder.vector("the image")

    def encode_texts(self, sentences):
        return torch.stack([HashTextEncoder.vector(sentence) for sentence in sentences])


def cosine(*sentences):
    mean = F.normalize(torch.stack([HashTextEncoder.vector(s) for s in sentences]).mean(0), dim=0)
    return float(mean @ HashTextEncoder.vector("the image"))


def test_softmax_models_compare_each_tag_with_the_neutral_sentence():
    scores = TowerTagger(HashTowers(), SENTENCES).score(PHOTO)
    for score, texts in zip(scores, SENTENCES.values(), strict=True):
        pair = np.exp([20 * cosine(*texts), 20 * cosine(NEUTRAL)])
        assert score == pytest.approx(pair[0] / pair.sum(), abs=1e-6)


def test_sigmoid_models_give_the_probability_themselves():
    scores = TowerTagger(HashTowers(bias=-3.0), SENTENCES).score(PHOTO)
    assert scores[1] == pytest.approx(1 / (1 + np.exp(3 - 20 * cosine("a photo of a cat."))), abs=1e-6)


def test_asking_for_more_tags_changes_no_score():
    alone = TowerTagger(HashTowers(), {"cat": SENTENCES["cat"]}).score(PHOTO)
    assert TowerTagger(HashTowers(), SENTENCES).score(PHOTO)[1] == pytest.approx(alone[0], abs=1e-7)
