"""Objectives: a batch and what the model makes of it, to named losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch

from ram.models.image_encoder import ImageFeatures
from ram.models.losses import (
    asymmetric_loss,
    binary_cross_entropy,
    contrastive_loss,
    distillation_loss,
    hill_loss,
    softmax_cross_entropy,
    splc_loss,
)
from ram.models.queries import DescriptionEmbeddings
from ram.models.tagging import TaggingModel

LOSSES = ("asl", "bce", "ce", "hill", "splc")
"""Asymmetric loss, binary cross entropy, cross entropy, Hill, self-paced loss correction: RAM++'s Tables 11 and 12."""


@dataclass(frozen=True)
class LossRecipe:
    """Which of :data:`LOSSES` tags and captions are learnt by; their parameters are those of the papers."""

    tagging: str = "asl"
    alignment: str = "asl"

    def __post_init__(self) -> None:
        for name, loss in vars(self).items():
            if loss not in LOSSES:
                raise ValueError(f"losses.{name} is {loss!r}: choose one of {list(LOSSES)}")


@dataclass(frozen=True)
class Batch:
    """What one step learns from.

    Args:
        features: of the pictures, (batch, patches + 1, dim) tokens.
        tags: descriptions of the tags of this step.
        targets, known: (batch, tags) booleans of the same tags.
        captions: (batch, captions, dim) embeddings of the captions drawn for each picture.
        captioned: (batch,) False where a picture has no caption; its row of ``captions`` is not looked at.
        taught: (batch, dim) what the teacher makes of the pictures, a row of zeros where it has nothing to say; None
            without a teacher.
        epoch: from 0; SPLC corrects labels after the first.
    """

    features: ImageFeatures
    tags: DescriptionEmbeddings
    targets: torch.Tensor
    known: torch.Tensor
    captions: torch.Tensor
    captioned: torch.Tensor
    taught: torch.Tensor | None = None
    epoch: int = 0

    def paired(self) -> tuple[ImageFeatures, torch.Tensor]:
        """Features and captions (n, captions, dim) of the pictures that have any."""
        return ImageFeatures(self.features.tokens[self.captioned]), self.captions[self.captioned]


def tagging(model: TaggingModel, batch: Batch, loss: str = "asl") -> torch.Tensor:
    """Loss over the known tags, summed over tags (RAM++, section 3.2); the asymmetric one with gamma_neg 7.

    With cross entropy the known tags of a picture compete, and its positives share one. Differs from the paper: divided
    by the number of pictures, so that weights do not depend on the batch size.
    """
    logits = model.score(batch.features, batch.tags)
    targets, known = batch.targets, batch.known
    if loss == "ce":
        return softmax_cross_entropy(logits.masked_fill(~known, -torch.inf), targets & known) / len(logits)
    return _entrywise(loss, gamma_neg=7, epoch=batch.epoch)(logits[known], targets[known]) / len(logits)


def alignment(model: TaggingModel, batch: Batch, loss: str = "asl") -> torch.Tensor:
    """Loss of every picture against every caption of the batch, divided by the pictures; the asymmetric one with
    gamma_neg 4. Cross entropy is CLIP's: the mean of pictures that choose captions and captions that choose pictures.
    """
    features, captions = batch.paired()
    if not len(captions):
        return batch.features.tokens.sum() * 0.0
    pictures, each, _ = captions.shape
    logits = model.score(features, DescriptionEmbeddings(captions.flatten(0, 1)[:, None]))
    targets = torch.eye(pictures, device=logits.device).repeat_interleave(each, dim=1)
    if loss == "ce":
        choosing_captions = softmax_cross_entropy(logits, targets) / pictures
        return (choosing_captions + softmax_cross_entropy(logits.T, targets.T) / (pictures * each)) / 2
    return _entrywise(loss, gamma_neg=4, epoch=batch.epoch)(logits, targets) / pictures


def distillation(model: TaggingModel, batch: Batch) -> torch.Tensor:
    """Mean absolute distance of the unnormalised pooled token to the teacher's embedding (RAM++, appendix A)."""
    assert batch.taught is not None, "the recipe checks that distillation has a teacher"
    told = batch.taught.any(dim=-1)
    if not told.any():
        return batch.features.tokens.sum() * 0.0
    return distillation_loss(batch.features.pooled[told], batch.taught[told])


def contrastive(model: TaggingModel, batch: Batch) -> torch.Tensor:
    """Pooled tokens against captions. Without a frozen image teacher in the text encoder's space, this is what teaches
    the pooled token to choose descriptions; it stands in for the paper's distillation from CLIP."""
    features, captions = batch.paired()
    if not len(captions):
        return batch.features.tokens.sum() * 0.0
    return contrastive_loss(features.pooled, captions.mean(dim=1), model.reweighting.log_scale.exp())


def _entrywise(loss: str, gamma_neg: float, epoch: int) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """A loss over logits and targets of the same shape, summed."""
    functions: dict[str, Callable[..., torch.Tensor]] = {
        "asl": partial(asymmetric_loss, gamma_neg=gamma_neg),
        "bce": binary_cross_entropy,
        "hill": hill_loss,
        "splc": partial(splc_loss, correct=epoch >= 1),
    }
    return functions[loss]


OBJECTIVES: Mapping[str, Callable[[TaggingModel, Batch], torch.Tensor]] = {
    "tagging": tagging,
    "alignment": alignment,
    "distillation": distillation,
    "contrastive": contrastive,
}
"""Name in a recipe to loss."""


def total_loss(
    model: TaggingModel, batch: Batch, weights: Mapping[str, float], losses: LossRecipe
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The weighted sum, and each objective's loss before weighting."""
    objectives: dict[str, Callable[[TaggingModel, Batch], torch.Tensor]] = {
        **OBJECTIVES,
        "tagging": partial(tagging, loss=losses.tagging),
        "alignment": partial(alignment, loss=losses.alignment),
    }
    parts = {name: objectives[name](model, batch) for name in weights}
    return torch.stack([weights[name] * part for name, part in parts.items()]).sum(), parts
