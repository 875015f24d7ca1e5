"""Image-text contrast (ITC) as a tagger: cosines of an image tower and a text tower, each tag on its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from PIL import Image

from ram.evaluation.baselines.protocol import Sentences
from ram.evaluation.metrics import Floats

NEUTRAL = "a photo."
"""Sentence that fits every photo; see :class:`TowerTagger`."""


class Towers(Protocol):
    """An image tower and a text tower of one space.

    Attributes:
        name: for tables.
        scale: factor of the cosines.
        bias: added to the scaled cosines by models trained with a sigmoid (SigLIP); None for a softmax (CLIP).
    """

    name: str
    scale: float
    bias: float | None

    def encode_image(self, picture: Image.Image) -> torch.Tensor:
        """Return the (dim,) float32 unit vector of an RGB image, on the CPU."""
        ...

    def encode_texts(self, sentences: Sequence[str]) -> torch.Tensor:
        """Return the (n, dim) float32 unit vectors of sentences, on the CPU."""
        ...


class TowerTagger:
    """Score tags by the cosine of the image and the mean of each tag's sentences.

    Models trained with a sigmoid give a probability themselves. Models trained with a softmax rank sentences against
    each other; for a probability that no other tag changes, a tag is compared with one sentence that fits every photo:
    how much likelier is it than "a photo."?

    Args:
        towers: the two encoders.
        sentences: one prompt for each tag, a prompt ensemble, or descriptions by a language model.
    """

    probabilities = True

    def __init__(self, towers: Towers, sentences: Sentences) -> None:
        self.name = towers.name
        self.tags = tuple(sentences)
        self._towers = towers
        texts = towers.encode_texts([text for of in sentences.values() for text in of])
        parts = texts.split([len(of) for of in sentences.values()])
        self._means = torch.stack([F.normalize(part.mean(dim=0), dim=-1) for part in parts])
        self._neutral = None if towers.bias is not None else towers.encode_texts([NEUTRAL])[0]

    def score(self, picture: Image.Image) -> Floats:
        """Return (tags,) probabilities."""
        image = self._towers.encode_image(picture)
        if self._neutral is None:
            logits = self._towers.scale * self._means @ image + (self._towers.bias or 0.0)
        else:
            logits = self._towers.scale * (self._means - self._neutral) @ image
        return logits.double().sigmoid().numpy()
