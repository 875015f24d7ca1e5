"""Taggers on a host that lends its GPU per call, as ZeroGPU Spaces do.

Such a host forks a process for a decorated function, lends it the GPU, and pickles arguments and results: they have to
be on the CPU, and an error would lose its message on the way, so images are opened before.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ram.backends import Explainer, TaggerBackend
from ram.images.given import Source
from ram.images.opening import open_image
from ram.models.image_encoder import ImageFeatures
from ram.models.text_encoder import TextEncoder
from ram.prediction import Explanation, Prediction, Strength
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import TagDescriptions

Lend = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Makes a function that has the GPU while it runs; `spaces.GPU` is one."""


_Numbers = tuple[np.ndarray, np.ndarray, Mapping[str, np.ndarray], Strength | None]
"""Probabilities, weights, terms and strength of a prediction."""


def find_lender(environ: Mapping[str, str]) -> Lend | None:
    """The lender of a ZeroGPU Space, None elsewhere; call it before anything touches CUDA, which it replaces."""
    if environ.get("SPACES_ZERO_GPU", "").lower() not in ("1", "t", "true"):
        return None
    lender: Lend = importlib.import_module("spaces").GPU
    return lender


def borrow(tagger: TaggerBackend, lend: Lend) -> BorrowingTagger:
    """A tagger that borrows the GPU, with explanations where the tagger gives any."""
    return (BorrowingExplainer if isinstance(tagger, Explainer) else BorrowingTagger)(tagger, lend)


class BorrowingTagger:
    """A :class:`ram.backends.TaggerBackend` that borrows the GPU for each use of its network.

    Features and banks that it returns are on the CPU.

    Args:
        tagger: loaded, on the GPU that will be lent.
        lend: who lends it.
    """

    def __init__(self, tagger: TaggerBackend, lend: Lend) -> None:
        self._tagger = tagger
        self.config, self.dtype, self.transform = tagger.config, tagger.dtype, tagger.transform
        self.bank = tagger.bank
        self.device = torch.device("cpu")

        def look(pixels: torch.Tensor) -> ImageFeatures:
            return tagger.look_at_pixels(pixels).to("cpu")

        def score(features: ImageFeatures, bank: TagEmbeddingBank | None) -> _Numbers:
            scored = tagger.score(features.to(tagger.device), bank)
            return scored.probabilities, scored.weights, scored.terms, scored.strength

        def embed(descriptions: TagDescriptions) -> TagEmbeddingBank:
            return tagger.embed(descriptions).to("cpu", tagger.dtype)

        self._look, self._score, self._embed = lend(look), lend(score), lend(embed)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._tagger.name

    @property
    def kind(self) -> str:
        """Family of the model: RAM, RAM++ or Tag2Text."""
        return self._tagger.kind

    @property
    def text_encoder(self) -> TextEncoder:
        """The frozen text encoder; used outside a loan it computes on the CPU."""
        return self._tagger.text_encoder

    def tag(self, picture: Source) -> Prediction:
        """Score one image over the predefined tags; ImageError where it cannot be opened."""
        return self.score(self.look(picture))

    def look(self, picture: Source) -> ImageFeatures:
        """Run the image encoder once; ImageError, without a loan, where the image cannot be opened."""
        return self.look_at_pixels(self.transform(open_image(picture))[None])

    def look_at_pixels(self, pixels: torch.Tensor) -> ImageFeatures:
        """Run the image encoder on (batch, 3, size, size) pixels."""
        features: ImageFeatures = self._look(pixels)
        return features

    def score(self, features: ImageFeatures, bank: TagEmbeddingBank | None = None) -> Prediction:
        """Score features over a bank, the predefined one where None; only numbers are carried back."""
        asked = self.bank if bank is None else bank
        carried = None if bank is None else bank.to("cpu", self.dtype)
        return Prediction(asked.vocabulary, asked.sentences, *self._score(features, carried))

    def embed(self, descriptions: Mapping[str, Sequence[str]] | TagDescriptions) -> TagEmbeddingBank:
        """A bank of new categories from their descriptions."""
        if not isinstance(descriptions, TagDescriptions):
            descriptions = TagDescriptions(descriptions)
        bank: TagEmbeddingBank = self._embed(descriptions)
        return bank


class BorrowingExplainer(BorrowingTagger):
    """A borrowing tagger that can explain scores.

    Args:
        tagger: a :class:`ram.backends.Explainer` too.
        lend: who lends the GPU.
    """

    def __init__(self, tagger: TaggerBackend, lend: Lend) -> None:
        super().__init__(tagger, lend)
        assert isinstance(tagger, Explainer)
        explainer: Explainer = tagger
        device = tagger.device

        def explain(features: ImageFeatures, bank: TagEmbeddingBank, tag: str) -> Explanation:
            return explainer.explain(features.to(device), bank, tag)

        self._explain = lend(explain)

    def explain(self, features: ImageFeatures, bank: TagEmbeddingBank, tag: str) -> Explanation:
        """Explain a tag's score; only the tag's own embeddings are carried to the GPU, not the whole bank."""
        explanation: Explanation = self._explain(features, bank.select([tag]).to("cpu", self.dtype), tag)
        return explanation
