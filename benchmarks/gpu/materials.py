"""The model, bank and images on the card, made when they are first needed and shared by the measurements."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import nn

from benchmarks.gpu.card import Card
from benchmarks.gpu.plan import Plan
from benchmarks.reference import plain_copy
from benchmarks.setting import pictures, random_bank, random_model
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.ram import TaggingModel

DTYPE = torch.bfloat16


class Materials:
    """Models, images and banks that the measurements of looking and scoring share.

    Weights are made outside of inference mode, as a tagger's are: compilers treat others differently.
    """

    def __init__(self, plan: Plan, card: Card) -> None:
        self.plan = plan
        self.card = card

    @cached_property
    def model(self) -> TaggingModel:
        """Our model with its fast twins."""
        with torch.inference_mode(False):
            return random_model(self.plan.size).to(self.card.device, DTYPE)

    @cached_property
    def bare(self) -> nn.Module:
        """The image encoder's backbone as timm makes it, with the same weights."""
        with torch.inference_mode(False):
            return plain_copy(self.model.image_encoder.backbone)

    @cached_property
    def bank(self) -> DescriptionEmbeddings:
        """The predefined tags."""
        return random_bank(self.plan.size.tags, self.plan.size).to(self.card.device, DTYPE)

    def pixels(self, batch: int) -> torch.Tensor:
        """(batch, 3, height, width)."""
        return pictures(self.plan.size, batch).to(self.card.device, DTYPE)
