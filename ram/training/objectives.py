"""Objectives: a batch and what the model makes of it, to named losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from ram.models.image_encoder import ImageFeatures
from ram.models.losses import asymmetric_loss, contrastive_loss
from ram.models.queries import DescriptionEmbeddings
from ram.models.tagging import TaggingModel


@dataclass(frozen=True)
class Batch:
    """What one step learns from.

    Args:
        features: of the pictures, (batch, patches + 1, dim) tokens.
        tags: descriptions of the tags of this step.
        targets, known: (batch, tags) booleans of the same tags.
        captions: (batch, captions, dim) embeddings of the captions drawn for each picture.
        captioned: (batch,) False where a picture has no caption; its row of ``captions`` is not looked at.
    """

    features: ImageFeatures
    tags: DescriptionEmbeddings
    targets: torch.Tensor
    known: torch.Tensor
    captions: torch.Tensor
    captioned: torch.Tensor

    def paired(self) -> tuple[ImageFeatures, torch.Tensor]:
        """Features and captions (n, captions, dim) of the pictures that have any."""
        return ImageFeatures(self.features.tokens[self.captioned]), self.captions[self.captioned]


def tagging(model: TaggingModel, batch: Batch) -> torch.Tensor:
    """Asymmetric loss over the known tags, gamma_neg 7, summed over tags (RAM++, section 3.2).

    Differs from the paper: divided by the number of pictures, so that weights do not depend on the batch size.
    """
    logits = model.score(batch.features, batch.tags)
    return asymmetric_loss(logits[batch.known], batch.targets[batch.known], gamma_neg=7) / len(logits)


def alignment(model: TaggingModel, batch: Batch) -> torch.Tensor:
    """Asymmetric loss of every picture against every caption of the batch, gamma_neg 4, divided by the pictures."""
    features, captions = batch.paired()
    if not len(captions):
        return batch.features.tokens.sum() * 0.0
    pictures, each, _ = captions.shape
    logits = model.score(features, DescriptionEmbeddings(captions.flatten(0, 1)[:, None]))
    targets = torch.eye(pictures, device=logits.device).repeat_interleave(each, dim=1)
    return asymmetric_loss(logits, targets, gamma_neg=4) / pictures


def contrastive(model: TaggingModel, batch: Batch) -> torch.Tensor:
    """Pooled tokens against captions. Without a frozen image teacher in the text encoder's space, this is what teaches
    the pooled token to choose descriptions; it stands in for the paper's distillation from CLIP."""
    features, captions = batch.paired()
    if not len(captions):
        return batch.features.tokens.sum() * 0.0
    return contrastive_loss(features.pooled, captions.mean(dim=1), model.reweighting.log_scale.exp())


OBJECTIVES: Mapping[str, Callable[[TaggingModel, Batch], torch.Tensor]] = {
    "tagging": tagging,
    "alignment": alignment,
    "contrastive": contrastive,
}
"""Name in a recipe to loss."""


def total_loss(
    model: TaggingModel, batch: Batch, weights: Mapping[str, float]
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The weighted sum, and each loss before weighting."""
    losses = {name: OBJECTIVES[name](model, batch) for name in weights}
    return torch.stack([weights[name] * loss for name, loss in losses.items()]).sum(), losses
