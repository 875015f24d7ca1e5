"""The ensemble of the small models: named terms beside the decoder's logit, which add up to the score.

Differs from the paper. Trained on few images, the decoder knows best the tags it was taught, the pooled token
generalises further, and the classifier knows what no training image shows. The terms join in evaluation only: learned
together, the decoder would leave the work to the others.

    decoder     its logit
    pooled      cosine of the pooled token and the tag's mean description
    classifier  of all ImageNet classes, the highest product of the class's probability over the patches and a power of
                the cosine of the tag's mean description and the nearer of the class's two texts, around the mean of all
                classes. So a class counts for tags that are described nearly as it is: an ImageNet classifier knows
                corgis, but not running
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
import torch.nn.functional as F
from torch import nn

from ram.models.config import EnsembleConfig
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.image_encoder import ImageFeatures
from ram.models.lite.class_words import ClassWords


@dataclass(frozen=True)
class TagTerms:
    """Values of the ensemble that depend on the tags alone, not on an image.

    Args:
        mean: (tags, dim) unit mean descriptions.
        similarity: (tags, classes) of tags and classes, in 0..1; None without a classifier.
    """

    mean: torch.Tensor
    similarity: torch.Tensor | None = None

    def rows(self, index: slice | torch.Tensor) -> TagTerms:
        """Some of the tags, by a slice or a tensor of indices."""
        return replace(self, **{name: column[index] for name, column in vars(self).items() if column is not None})

    @classmethod
    def join(cls, parts: Sequence[TagTerms]) -> TagTerms:
        """The tags of all parts, in order."""
        columns = {field.name: [getattr(part, field.name) for part in parts] for field in fields(cls)}
        joined = {name: torch.cat(column) for name, column in columns.items() if column[0] is not None}
        return replace(parts[0], **joined)


class Ensemble(nn.Module):
    """Compute the named terms of each logit.

    Args:
        config: weights and constants.
    """

    def __init__(self, config: EnsembleConfig) -> None:
        super().__init__()
        self.config = config

    def prepare(self, bank: DescriptionEmbeddings, words: ClassWords | None) -> TagTerms:
        """Compute what does not depend on an image.

        Args:
            bank: (tags, descriptions, dim).
            words: the image encoder's class words; None where it has no classifier.
        """
        mean = bank.mean()
        if words is None or not self.config.classifier_weight:
            return TagTerms(F.normalize(mean, dim=-1))
        similarity = words.likeness(mean).clamp(min=0) ** self.config.similarity_power
        return TagTerms(F.normalize(mean, dim=-1), similarity)

    def forward(self, decoder: torch.Tensor, features: ImageFeatures, tags: TagTerms) -> dict[str, torch.Tensor]:
        """Terms by name, (batch, tags) each, which sum to the logits.

        Args:
            decoder: (batch, tags) logits of the decoder.
            features: of the images.
            tags: of :meth:`prepare`.
        """
        terms = {"decoder": decoder}
        if self.config.pooled_weight:
            terms["pooled"] = self.config.pooled_weight * F.normalize(features.pooled, dim=-1) @ tags.mean.T
        if features.class_probabilities is None or tags.similarity is None:
            return terms
        probabilities = features.class_probabilities.to(tags.similarity.dtype)
        if 0 < len(tags.similarity) < len(probabilities):  # over the shorter side: all products take too much memory
            best = torch.stack([(probabilities * tag).amax(dim=-1) for tag in tags.similarity], dim=1)
        else:
            best = torch.stack([(tags.similarity * image).amax(dim=-1) for image in probabilities])
        terms["classifier"] = self.config.classifier_weight * best
        return terms
