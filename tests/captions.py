"""A tiny tagger with a captioner of its own: small vocabulary, shared words, no tied layers."""

import dataclasses

import torch

from ram.models.build import build_model
from ram.models.captioner_config import CaptionerConfig
from ram.tagger import Tagger
from ram.text.wordpiece import WordPiece
from tests.tiny import HashTextEncoder, tiny_bank, tiny_config

PIECES = (
    "[PAD]", "[UNK]", "[DEC]", "[ENC]", "[SEP]", "|", "a", "picture", "of", "dog", "cat", "pine", "tree", "the", "on",
    "grass", "sits", "run", "##s", "##ning", "two",
)  # fmt: skip
WORDS = WordPiece(PIECES)


def captioner_config(**changes):
    sizes = {"hidden": 16, "heads": 2, "intermediate": 32, "encoder_layers": 2, "decoder_layers": 2}
    special = {"vocabulary": len(PIECES), "begin": 2, "tags": 3, "end": 4, "pad": 0}
    limits = {"positions": 24, "tag_tokens": 12, "min_length": 6, "max_length": 12, "dropout": 0.0}
    flags = {"shared_words": True, "attend_padding": False}
    return CaptionerConfig(**(sizes | special | limits | flags | changes))


def captioning_config(**changes):
    return dataclasses.replace(tiny_config(), captioner=captioner_config(**changes))


def captioning_model(seed=0, **changes):
    torch.manual_seed(seed)
    model = build_model(captioning_config(**changes))
    model.captioner.words = WORDS
    for parameter in model.captioner.parameters():  # else all words are nearly as likely
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.4)
    return model


def captioning_tagger(**changes):
    return Tagger(captioning_config(**changes), captioning_model(**changes), tiny_bank(), HashTextEncoder)
