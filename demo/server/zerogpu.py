"""Taggers on a host that lends its GPU by the call, as ZeroGPU Spaces do; elsewhere they stay as they are.

Such a host forks a process for a decorated function, lends that one the GPU, and carries arguments and answers to and
fro: they have to lie on the CPU, and an error would lose its sentence on the way, so pictures are opened before.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ram.models.image_encoder import ImageFeatures
from ram.prediction import Explanation, Prediction
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import TagDescriptions

Lend = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Makes a function that has the GPU while it runs; `spaces.GPU` is one."""


def find_lender(environ: Mapping[str, str]) -> Lend | None:
    """The lender of a ZeroGPU Space, None elsewhere; call it before anything touches CUDA, it stands in for it."""
    if environ.get("SPACES_ZERO_GPU", "").lower() not in ("1", "t", "true"):
        return None
    lender: Lend = importlib.import_module("spaces").GPU
    return lender


class BorrowingTagger(Tagger):
    """A tagger that borrows the GPU for each use of its network and holds everything else on the CPU.

    Args:
        tagger: loaded, on the GPU that will be lent.
        lend: who lends it.
    """

    def __init__(self, tagger: Tagger, lend: Lend) -> None:
        self.__dict__.update(tagger.__dict__)
        self.device = torch.device("cpu")

        def look(pixels: torch.Tensor) -> ImageFeatures:
            return tagger.look_at_pixels(pixels).to("cpu")

        def score(features: ImageFeatures, bank: TagEmbeddingBank | None) -> tuple[np.ndarray, np.ndarray]:
            prediction = tagger.score(features.to(tagger.device), bank)
            return prediction.probabilities, prediction.weights

        def explain(features: ImageFeatures, bank: TagEmbeddingBank, tag: str) -> Explanation:
            return tagger.explain(features.to(tagger.device), bank, tag)

        def embed(descriptions: TagDescriptions) -> TagEmbeddingBank:
            return tagger.embed(descriptions).to("cpu", tagger.dtype)

        self._lent_look, self._score, self._explain, self._embed = lend(look), lend(score), lend(explain), lend(embed)

    def look_at_pixels(self, pixels: torch.Tensor) -> ImageFeatures:
        """As :meth:`Tagger.look_at_pixels`; the features lie on the CPU."""
        features: ImageFeatures = self._lent_look(pixels)
        return features

    def score(self, features: ImageFeatures, bank: TagEmbeddingBank | None = None) -> Prediction:
        """As :meth:`Tagger.score`; only numbers are carried back."""
        asked = self.bank if bank is None else bank
        return Prediction(asked.vocabulary, asked.sentences, *self._score(features, bank))

    def explain(self, features: ImageFeatures, bank: TagEmbeddingBank, tag: str) -> Explanation:
        """As :meth:`Tagger.explain`; a predefined tag's own line is carried there, not the whole bank."""
        explanation: Explanation = self._explain(features, bank.select([tag]).to("cpu", self.dtype), tag)
        return explanation

    def embed(self, descriptions: Mapping[str, Sequence[str]] | TagDescriptions) -> TagEmbeddingBank:
        """As :meth:`Tagger.embed`; the bank lies on the CPU."""
        if not isinstance(descriptions, TagDescriptions):
            descriptions = TagDescriptions(descriptions)
        bank: TagEmbeddingBank = self._embed(descriptions)
        return bank
