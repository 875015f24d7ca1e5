"""A second opinion on every tag: how near the picture as a whole is to the tag's descriptions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ram.models.heads import RARE
from ram.models.image_encoder import ImageFeatures
from ram.models.lite.class_words import ClassWords
from ram.models.lite.familiarity import Familiarity
from ram.models.lite.novelty import Novelty
from ram.models.reweighting import DescriptionEmbeddings

DAMPING = 0.7
"""How much of what the decoder says of a tag that is quite unlike all that it was taught is not listened to."""


class GlobalSimilarity(nn.Module):
    """Joins cosines of picture embeddings with the plain mean of a tag's descriptions to the decoder's logits.

    Differs from the paper: trained on few pictures, the decoder knows best what it was taught, the pooled token
    generalises further, and the classifier knows what no training picture shows. It is an ensemble of evaluation only:
    learnt together, the decoder would leave the work to the others.

    Args:
        pooled: weight of the pooled token's cosine.
        classes: weight of the class words' cosine for a tag that means the same as a class. Others count by the fourth
            power of their cosine with the nearest class: of "corgi" an ImageNet classifier knows much, of "running"
            nothing.
        unfamiliar: further weight of that cosine for a tag that training has not taught; it counts by the cosine with
            the nearest class. What the decoder says of such a tag is drawn towards :data:`~ram.models.heads.RARE`.
        words: knows the mean that class words and descriptions are compared around; None where ``classes`` is 0.
        familiarity: what training has taught; None where ``unfamiliar`` is 0.
        elsewhere: how much of what a tag owes to its frequency in training is taken back where a picture is as unlike
            those of training as its rarest; more beyond. It is the correction for another prior (Saerens et al. 2002)
            as far as the picture speaks for one.
        novelty: how unlike they are; None where ``elsewhere`` is 0.
    """

    def __init__(
        self,
        pooled: float,
        classes: float = 0.0,
        unfamiliar: float = 0.0,
        words: ClassWords | None = None,
        familiarity: Familiarity | None = None,
        elsewhere: float = 0.0,
        novelty: Novelty | None = None,
    ) -> None:
        super().__init__()
        self.pooled = pooled
        self.classes = classes
        self.unfamiliar = unfamiliar
        self.familiarity = familiarity
        self.elsewhere = elsewhere
        self.novelty = novelty
        self.words = (words,)  # in a tuple: its weights belong to the image encoder

    def forward(
        self, logits: torch.Tensor, features: ImageFeatures, descriptions: DescriptionEmbeddings
    ) -> torch.Tensor:
        """(batch, tags) of the decoder, with features and (tags, descriptions, dim), to (batch, tags)."""
        unit, *of_classes = descriptions.terms or self.prepare(descriptions)
        cosines = self.pooled * F.normalize(features.pooled, dim=-1) @ unit.T
        if features.classes is None or self.words[0] is None:
            return logits + cosines
        around, weight, new, owed = of_classes
        if self.novelty is not None:
            logits = logits - self.elsewhere * self.novelty(features.pooled)[:, None].to(owed.dtype) * owed
        said = F.normalize(self.words[0].spell(features.classes), dim=-1).to(around.dtype)
        return logits - DAMPING * new * (logits - RARE) + cosines + weight * (said @ around.T)

    def prepare(self, descriptions: DescriptionEmbeddings) -> tuple[torch.Tensor, ...]:
        """What no picture changes: (tags, dim) unit means, and with class words the means around the class names,
        (tags, dim), the weight of the class words' cosine, how new a tag is in 0..1, and what its logit owes to its
        frequency in training, (tags,) each."""
        mean = descriptions.mean()
        unit = F.normalize(mean, dim=-1)
        if self.words[0] is None:
            return (unit,)
        around = self.around(mean)
        nearest = (around @ F.normalize(self.words[0].words, dim=-1).to(mean.dtype).T).amax(dim=-1).clamp(min=0)
        nothing = torch.zeros_like(nearest)
        new = nothing if self.familiarity is None else 1 - self.familiarity(around)
        owed = nothing if self.familiarity is None or self.novelty is None else self.familiarity.owed(around)
        return unit, around, self.classes * nearest**4 + self.unfamiliar * new * nearest, new, owed

    def around(self, mean: torch.Tensor) -> torch.Tensor:
        """(tags, dim) text embeddings to unit vectors around the mean of the class names."""
        assert self.words[0] is not None, "the configuration checks that there is a classifier"
        return F.normalize(mean - self.words[0].center.to(mean.dtype), dim=-1)

    def remember(self, descriptions: DescriptionEmbeddings, pictures: torch.Tensor, of: int | None = None) -> None:
        """Make tags familiar: their descriptions, on how many pictures of training each is, (tags,), and of how many;
        None where these are not what novelty is measured by."""
        if self.familiarity is not None:
            self.familiarity.remember(self.around(descriptions.mean()), pictures, of)
