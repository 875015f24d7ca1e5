"""Interfaces of a tagger, for code that takes any: that of a model, zero-shot CLIP, one on a borrowed GPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import torch

from ram.caption_writing import Caption, CaptionOptions, no_captions
from ram.images.given import Source
from ram.images.transforms import EvalTransform
from ram.models.config import ModelConfig
from ram.models.image_encoder import ImageFeatures
from ram.models.text_encoder import TextEncoder
from ram.prediction import Explanation, Prediction
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import TagDescriptions


class TaggerBackend(Protocol):
    """Interface of a tagger for comparing models; zero-shot CLIP and ZeroGPU taggers have it too.

    Attributes:
        config: describes the model and how it wants its images.
        bank: predefined tags.
        device: where features and banks have to be.
        dtype: of the network.
        transform: image to (3, size, size) pixels.
    """

    config: ModelConfig
    bank: TagEmbeddingBank
    device: torch.device
    dtype: torch.dtype
    transform: EvalTransform

    @property
    def name(self) -> str:
        """Name of the model."""
        ...

    @property
    def kind(self) -> str:
        """Family of the model, such as RAM++."""
        ...

    @property
    def text_encoder(self) -> TextEncoder:
        """The frozen text encoder that embeds typed categories."""
        ...

    def tag(self, picture: Source) -> Prediction:
        """Score one image over the predefined tags."""
        ...

    def look(self, picture: Source) -> ImageFeatures:
        """Run the image encoder once on one image."""
        ...

    def look_at_pixels(self, pixels: torch.Tensor) -> ImageFeatures:
        """Run the image encoder on (batch, 3, size, size) pixels of :attr:`transform`."""
        ...

    def score(self, features: ImageFeatures, bank: TagEmbeddingBank | None = None) -> Prediction:
        """Score features over a bank, the predefined one where None."""
        ...

    def embed(self, descriptions: Mapping[str, Sequence[str]] | TagDescriptions) -> TagEmbeddingBank:
        """A bank of new categories from their descriptions."""
        ...


@runtime_checkable
class Explainer(Protocol):
    """A tagger that can say what is behind a score."""

    def explain(self, features: ImageFeatures, bank: TagEmbeddingBank, tag: str) -> Explanation:
        """Explain the score of one tag of a bank."""
        ...


@runtime_checkable
class Captioner(Protocol):
    """A tagger that may write captions.

    Attributes:
        device: of the model.
    """

    device: torch.device

    @property
    def name(self) -> str:
        """Name of the model."""
        ...

    @property
    def kind(self) -> str:
        """Family of the model."""
        ...

    @property
    def has_captioner(self) -> bool:
        """Whether it can."""
        ...

    @property
    def adds_given_tags(self) -> bool:
        """Whether given tags come beside those that it finds, not in their place."""
        ...

    def look(self, picture: Source) -> ImageFeatures:
        """Run the image encoder on one image."""
        ...

    def caption_features(
        self,
        features: Sequence[ImageFeatures],
        tags: Sequence[str] | None = None,
        beams: int = 3,
        options: CaptionOptions | None = None,
    ) -> list[Caption]:
        """Write a sentence about each image that was looked at; see :meth:`ram.tagger.Tagger.caption_features`."""
        ...


@runtime_checkable
class VariantCaptioner(Captioner, Protocol):
    """A captioner that writes several captions of an image together, for :mod:`ram.caption_reranking`."""

    def reads(self, tag: str) -> bool:
        """Whether a tag may be given."""
        ...

    def caption_variants(
        self,
        features: ImageFeatures,
        tags: Sequence[str | Sequence[str] | None],
        beams: int = 3,
        options: CaptionOptions | None = None,
    ) -> list[Caption]:
        """Describe one image several times; see :meth:`ram.tagger.Tagger.caption_variants`."""
        ...


def captioner_of(tagger: object) -> Captioner:
    """Return the tagger as one that writes captions.

    Raises:
        InputError: its model has no captioner.
    """
    if not isinstance(tagger, Captioner) or not tagger.has_captioner:
        raise no_captions(getattr(tagger, "name", "this model"))
    return tagger
