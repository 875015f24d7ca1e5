"""A text encoder made of hashed words, tags for it, and a count of looks."""

import zlib

import torch
import torch.nn.functional as F

from ram.models.image_encoder import ImageEncoder

TAGS = tuple("dog cat grass ball tree river bridge coffee bee person mountain temple sky boat".split())
PRESENT = TAGS[:3]


class WordsTextEncoder:
    """A sentence is the sum of random vectors of its words."""

    name = "words"
    dim = 16
    fingerprint = "sum"

    def __init__(self, *placed):
        pass

    def encode(self, sentences):
        return torch.cat([F.normalize(sum(map(self._word, s.split())), dim=-1) for s in sentences])

    def unknown_words(self, sentence):
        return ()

    def _word(self, word):
        return torch.randn(1, self.dim, generator=torch.Generator().manual_seed(zlib.crc32(word.encode())))


def looks(monkeypatch):
    """Count the runs of any image encoder."""
    count = []
    forward = ImageEncoder.forward
    monkeypatch.setattr(ImageEncoder, "forward", lambda self, x: count.append(len(x)) or forward(self, x))
    return count
