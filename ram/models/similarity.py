"""A second opinion on every tag: how near the picture as a whole is to the tag's descriptions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ram.models.class_words import ClassWords
from ram.models.image_encoder import ImageFeatures
from ram.models.queries import DescriptionEmbeddings


class GlobalSimilarity(nn.Module):
    """Cosines of picture embeddings with the plain mean of a tag's descriptions, added to the decoder's logits.

    Differs from the paper: trained on few pictures, the decoder knows best what it was taught, the pooled token
    generalises further, and the classifier knows what no training picture shows. It is an ensemble of evaluation only:
    learnt together, the decoder would leave the work to the others.

    Args:
        pooled: weight of the pooled token's cosine.
        classes: weight of the class words' cosine for a tag that means the same as a class. Others count by the fourth
            power of their cosine with the nearest class: of "corgi" an ImageNet classifier knows much, of "running"
            nothing.
        words: knows the mean that class words and descriptions are compared around; None where ``classes`` is 0.
    """

    def __init__(self, pooled: float, classes: float, words: ClassWords | None) -> None:
        super().__init__()
        self.pooled = pooled
        self.classes = classes
        self.words = (words,)  # in a tuple: its weights belong to the image encoder

    def forward(self, features: ImageFeatures, descriptions: DescriptionEmbeddings) -> torch.Tensor:
        """Features and (tags, descriptions, dim) to (batch, tags), to be added to logits."""
        mean = descriptions.mean()
        cosines = self.pooled * F.normalize(features.pooled, dim=-1) @ F.normalize(mean, dim=-1).T
        if features.classes is None or self.words[0] is None:
            return cosines
        known = self.words[0]
        around = F.normalize(mean - known.center.to(mean.dtype), dim=-1)
        nearest = (around @ F.normalize(known.words, dim=-1).to(mean.dtype).T).amax(dim=-1).clamp(min=0)
        said = F.normalize(known.spell(features.classes), dim=-1).to(mean.dtype)
        return cosines + self.classes * nearest**4 * (said @ around.T)
