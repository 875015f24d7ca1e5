"""Re-weighting by what tells a tag's descriptions apart."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.reweighting import DescriptionReweighting

FIRST_SCALE = 4.0
"""Inverse temperature before training; differences of unit length need less than the paper's 1/0.07."""


class CenteredReweighting(DescriptionReweighting):
    """Blend each tag's descriptions by how their difference from the tag's mean fits the image.

    Differs from the paper (RAM++, equation 1): sentences about one tag share most of their embedding, so a softmax over
    plain cosines mostly ranks them by how close each is to captions in general, and a short sentence such as "a photo
    of a dog." wins for every image. Here each embedding is centered on the mean of its tag and normalized first. A tag
    with one description has the weight 1, as in RAM.
    """

    def __init__(self) -> None:
        super().__init__()
        self.log_contrast_scale = nn.Parameter(self.log_scale.detach().clone())
        nn.init.constant_(self.log_scale, math.log(FIRST_SCALE))

    @property
    def contrast_scale(self) -> torch.Tensor:
        """Inverse temperature of the contrast of pooled tokens and captions, which are not centered; a scalar."""
        return self.log_contrast_scale.exp()

    def keys(self, descriptions: DescriptionEmbeddings) -> torch.Tensor:
        """(tags, descriptions, dim) unit differences of the embeddings from the mean of their tag."""
        return F.normalize(descriptions.differences(), dim=-1).to(descriptions.embeddings.dtype)
