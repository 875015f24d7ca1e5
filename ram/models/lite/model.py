"""The network of RAM++ with the ensemble of the small models around it."""

from __future__ import annotations

from typing import Any

import torch

from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.image_encoder import ImageFeatures
from ram.models.lite.class_words import ClassWords
from ram.models.lite.ensemble import Ensemble, TagTerms
from ram.models.lite.image_encoder import LiteImageEncoder
from ram.models.ram import Alignment, TaggingModel


class LiteModel(TaggingModel):
    """Add the terms of an ensemble to the network's logits, in evaluation only.

    Args:
        parts: of the network, by name; see :class:`ram.models.ram.TaggingModel`.
        ensemble: the further terms.
    """

    def __init__(self, ensemble: Ensemble, **parts: Any) -> None:
        super().__init__(**parts)
        self.ensemble = ensemble

    @property
    def words(self) -> ClassWords | None:
        """The image encoder's class words, where it has a classifier."""
        return self.image_encoder.words if isinstance(self.image_encoder, LiteImageEncoder) else None

    def align(self, features: ImageFeatures, bank: DescriptionEmbeddings) -> Alignment:
        """Logits with the re-weighting behind them: the network's, and in evaluation the sum of all terms."""
        aligned = super().align(features, bank)
        if self.training:
            return aligned
        terms = self.evidence(aligned.logits, features, self.prepare(bank.widen(features.tokens)))
        return Alignment(total(terms), aligned.weights)

    def prepare(self, bank: DescriptionEmbeddings) -> TagTerms:
        """Compute the values of the ensemble that depend on (tags, descriptions, dim) alone."""
        return self.ensemble.prepare(bank, self.words)

    def evidence(self, decoder: torch.Tensor, features: ImageFeatures, tags: TagTerms) -> dict[str, torch.Tensor]:
        """Terms by name, (batch, tags) each, from the decoder's logits (batch, tags)."""
        return self.ensemble(decoder, features, tags)


def total(terms: dict[str, torch.Tensor]) -> torch.Tensor:
    """Logits (batch, tags): the sum of the terms."""
    first, *others = terms.values()
    return sum(others, start=first)
