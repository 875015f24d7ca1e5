"""A tagger small enough to be made anew in every test, with a text encoder that needs no weights."""

import dataclasses
import zlib

import torch
import torch.nn.functional as F

from ram.models.build import build_model
from ram.models.config import DecoderConfig, EnsembleConfig, ImageConfig, ModelConfig
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import TagDescriptions

DIM = 16
DESCRIPTIONS = {
    "dog": ("a photo of a dog.", "an animal that barks", "four legs and a wet nose"),
    "cat": ("a photo of a cat.",),
    "pine tree": ("a photo of a pine tree.", "a tall green cone"),
}


class HashTextEncoder:
    """Random unit vectors that depend on the sentence alone; records the sentences asked for."""

    name = "hash"
    dim = DIM
    fingerprint = "crc32"

    def __init__(self):
        self.asked = []

    def encode(self, sentences):
        self.asked.append(list(sentences))
        return torch.stack([self.vector(s) for s in sentences]) if sentences else torch.empty(0, DIM)

    def unknown_words(self, sentence):
        return tuple(word for word in sentence.split() if word.startswith("⁂"))

    @staticmethod
    def vector(sentence):
        generator = torch.Generator().manual_seed(zlib.crc32(sentence.encode()))
        return F.normalize(torch.randn(DIM, generator=generator), dim=0)


def tiny_config(max_descriptions=None):
    return ModelConfig(
        name="tiny",
        image=ImageConfig("test_efficientnet", 64),
        text_encoder=HashTextEncoder.name,
        dim=DIM,
        decoder=DecoderConfig(hidden=24, heads=4, intermediate=48, layers=2),
        max_descriptions=max_descriptions,
    )


def whole_config():
    """Tiny configuration with all parts that the official models lack."""
    return dataclasses.replace(
        tiny_config(),
        image=ImageConfig(
            "test_efficientnet", 64, standardize=True, normalize_tokens=True, classes=7, dropout=0.5, grid=1
        ),
        decoder=DecoderConfig(hidden=24, heads=4, intermediate=48, layers=2, matching=True),
        ensemble=EnsembleConfig(pooled_weight=3.0, classifier_weight=2.0),
        standardize_text=True,
    )


def whole_model(seed=0, config=None):
    """A model of :func:`whole_config` whose classifier knows something."""
    model = tiny_model(config or whole_config(), seed)
    words = model.image_encoder.words
    words.set(torch.randn(words.weight.shape), torch.randn(words.bias.shape), torch.randn(words.words.shape))
    return model


def tiny_model(config=None, seed=0):
    """A model with seeded random weights."""
    torch.manual_seed(seed)
    return build_model(config or tiny_config())


def tiny_bank(descriptions=None):
    return TagEmbeddingBank.build(TagDescriptions(descriptions or DESCRIPTIONS), HashTextEncoder())


def tiny_tagger(max_descriptions=None, bank=None, text_encoder=HashTextEncoder):
    config = tiny_config(max_descriptions)
    return Tagger(config, tiny_model(config), tiny_bank() if bank is None else bank, text_encoder)


def tiny_pixels(pictures=1, seed=1):
    """(pictures, 3, 64, 64) normalised pixels."""
    return torch.randn(pictures, 3, 64, 64, generator=torch.Generator().manual_seed(seed))
