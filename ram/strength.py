"""Measure the strength of a model's response to an image over its own vocabulary, whatever else is scored."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ram.models.scoring import PreparedBank
from ram.prediction import Strength, strongest_logits
from ram.text.bank import TagEmbeddingBank


@dataclass(frozen=True, eq=False)
class OwnVocabulary:
    """The vocabulary that a model was loaded with.

    Args:
        bank: its tags.
        prepared: the same, prepared for scoring.
        unlike_below: the cut, of :class:`ram.models.config.ModelConfig`.
    """

    bank: TagEmbeddingBank
    prepared: PreparedBank
    unlike_below: float

    def begins(self, other: TagEmbeddingBank) -> bool:
        """Whether another bank begins with this vocabulary and its sentences."""
        tags, sentences = self.bank.vocabulary.tags, self.bank.sentences
        return other.vocabulary.tags[: len(tags)] == tags and other.sentences[: len(tags)] == sentences

    def strength(self, logits: torch.Tensor) -> Strength:
        """The strength by the logits (tags,) of one image over a bank that begins with this vocabulary."""
        own = logits[: len(self.bank)].float().cpu().numpy()
        return Strength(float(strongest_logits(own)), self.unlike_below)
