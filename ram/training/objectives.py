"""Objectives: a batch and what the model makes of it, to named losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import torch
import torch.nn.functional as F

from ram.models.image_encoder import ImageFeatures
from ram.models.losses import (
    asymmetric_loss,
    binary_cross_entropy,
    distillation_loss,
    hill_loss,
    softmax_cross_entropy,
    splc_loss,
)
from ram.models.ram import TaggingModel
from ram.models.reweighting import DescriptionEmbeddings

LOSSES = ("asl", "bce", "ce", "hill", "splc")
"""Asymmetric loss, binary cross entropy, cross entropy, Hill, self-paced loss correction: RAM++'s Tables 11 and 12."""


@dataclass(frozen=True)
class LossRecipe:
    """Which of :data:`LOSSES` tags and captions are learnt by; their parameters are those of the papers.

    Args:
        tagging, alignment: names of the losses.
        unknown: weight of tags of which nothing says whether they are there, taken as absent. Most are absent, and the
            asymmetric loss forgives the others, so that a small weight tells rare tags what they are not.
    """

    tagging: str = "asl"
    alignment: str = "asl"
    unknown: float = 0.0

    def __post_init__(self) -> None:
        for name in ("tagging", "alignment"):
            if getattr(self, name) not in LOSSES:
                raise ValueError(f"losses.{name} is {getattr(self, name)!r}: choose one of {list(LOSSES)}")
        if not 0 <= self.unknown <= 1:
            raise ValueError(f"losses.unknown is {self.unknown}: it must be between 0 and 1")


@dataclass(frozen=True)
class Batch:
    """What one step learns from, seen from one piece of it.

    A process looks at its own pictures but knows the captions of the whole batch. Every objective is the own pictures'
    share: summed over all pieces it is the loss of the whole batch.

    Args:
        features: of the own pictures, (own, patches + 1, dim) tokens.
        tags: descriptions of the tags of this step.
        targets, known: (own, tags) booleans of the same tags.
        captions: (batch, captions, dim) embeddings of the captions drawn for each picture of the whole batch.
        captioned: (batch,) False where a picture has no caption; its row of ``captions`` is not looked at.
        taught: (own, dim) what the teacher makes of the pictures, a row of zeros where it has nothing to say; None
            without a teacher.
        probabilities: (own, classes) what the pretrained classifier said of the pictures, or None.
        epoch: from 0; SPLC corrects labels after the first.
        own: the rows of the whole batch that are the own pictures.
        together: the rows that are looked at right now, by all processes.
        gather: (own, ...) values of the own pictures to (together, ...), with gradient.
        shown_in: (batch,) the row of the features that shows each picture, where some are joined to mosaics; None where
            each has its own.
    """

    features: ImageFeatures
    tags: DescriptionEmbeddings
    targets: torch.Tensor
    known: torch.Tensor
    captions: torch.Tensor
    captioned: torch.Tensor
    taught: torch.Tensor | None = None
    probabilities: torch.Tensor | None = None
    epoch: int = 0
    own: slice = field(default_factory=lambda: slice(None))
    together: slice = field(default_factory=lambda: slice(None))
    gather: Callable[[torch.Tensor], torch.Tensor] = lambda values: values
    shown_in: torch.Tensor | None = None

    def __len__(self) -> int:
        """Pictures of the whole batch."""
        return len(self.captioned)

    def paired(self) -> tuple[ImageFeatures, torch.Tensor, torch.Tensor]:
        """Pictures that have a caption: features of the own, captions (n, captions, dim) of all n, and (own, n) True
        where a picture meets its own captions."""
        own = self._same()[self.own]
        with_caption = own.any(dim=1)
        return self.features.rows(with_caption), self.captions[self.captioned], own[with_caption]

    def beside(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(own, ...) of the own pictures that have a caption to (together, ...) of those looked at together, and
        (together, n) True as in :meth:`paired`."""
        same = self._same()
        with_caption = same.any(dim=1)
        own, together = with_caption[self.own], with_caption[self.together]
        rows = values.new_zeros(len(own), *values.shape[1:])
        rows[own] = values
        return self.gather(rows)[together], same[self.together][together]

    def _same(self) -> torch.Tensor:
        """(rows, n) True where a row of the features shows the n-th picture of those that have a caption."""
        device = self.captioned.device
        shown_in = torch.arange(len(self), device=device) if self.shown_in is None else self.shown_in.to(device)
        rows = torch.arange(int(shown_in.max()) + 1, device=device)
        return rows[:, None] == shown_in[self.captioned][None]


def tagging(model: TaggingModel, batch: Batch, loss: str = "asl", unknown: float = 0.0) -> torch.Tensor:
    """Loss over the known tags, summed over tags (RAM++, section 3.2); the asymmetric one with gamma_neg 7.

    With cross entropy the known tags of a picture compete, and its positives share one. Differs from the paper: divided
    by the number of pictures, so that weights do not depend on the batch size.
    """
    logits = model.score(batch.features, batch.tags)
    targets, known = batch.targets, batch.known
    if loss == "ce":
        return softmax_cross_entropy(logits.masked_fill(~known, -torch.inf), targets & known) / len(batch)
    entrywise = _entrywise(loss, gamma_neg=7, epoch=batch.epoch)
    total = entrywise(logits[known], targets[known])
    if unknown:
        doubtful = logits[~known]
        total = total + unknown * entrywise(doubtful, torch.zeros_like(doubtful))
    return total / len(batch)


def alignment(model: TaggingModel, batch: Batch, loss: str = "asl") -> torch.Tensor:
    """Loss of every picture against every caption of the batch, divided by the pictures; the asymmetric one with
    gamma_neg 4. Cross entropy is CLIP's, as in :func:`contrastive`.
    """
    features, captions, same = batch.paired()
    if not len(captions):
        return batch.features.tokens.sum() * 0.0
    pictures, each, _ = captions.shape
    logits = model.score(features, DescriptionEmbeddings(captions.flatten(0, 1)[:, None]))
    if loss == "ce":
        return _choices(batch, logits, each)
    return _entrywise(loss, gamma_neg=4, epoch=batch.epoch)(logits, same.repeat_interleave(each, dim=1)) / pictures


def distillation(model: TaggingModel, batch: Batch) -> torch.Tensor:
    """Mean absolute distance of the unnormalised pooled token to the teacher's embedding (RAM++, appendix A).

    A picture of which the teacher has nothing to say costs nothing.
    """
    assert batch.taught is not None, "the recipe checks that distillation has a teacher"
    told = batch.taught.any(dim=-1)
    if not told.any():
        return batch.features.tokens.sum() * 0.0
    share = told.sum() / len(batch)
    return share * distillation_loss(batch.features.pooled[told], batch.taught[told])


def retention(model: TaggingModel, batch: Batch) -> torch.Tensor:
    """Kullback-Leibler divergence of what the classifier says on the learning backbone from what it said before: the
    backbone must not forget what it knew of things that the training pictures hardly show (Li and Hoiem 2016)."""
    assert batch.probabilities is not None and batch.features.classes is not None, "the recipe checks the classifier"
    now = batch.features.classes.float().log_softmax(dim=-1)
    return F.kl_div(now, batch.probabilities, reduction="sum") / len(batch)


def contrastive(model: TaggingModel, batch: Batch) -> torch.Tensor:
    """Pooled tokens against captions, as in CLIP: the mean of pictures that choose captions and captions that choose
    pictures. Without a frozen image teacher in the text encoder's space, this is what teaches the pooled token to
    choose descriptions; it stands in for the paper's distillation from CLIP.

    Pictures choose among all captions of the batch, captions among the pictures that are looked at together: with
    gradient accumulation these are fewer.
    """
    features, captions, _ = batch.paired()
    if not len(captions):
        return batch.features.tokens.sum() * 0.0
    pooled, texts = (F.normalize(x.float(), dim=-1) for x in (features.pooled, captions.mean(dim=1)))
    return _choices(batch, pooled @ texts.T * model.reweighting.contrast_scale, 1)


def _choices(batch: Batch, logits: torch.Tensor, each: int) -> torch.Tensor:
    """Cross entropy of pictures that choose captions and captions that choose pictures, from (own, n * each) logits of
    the own pictures and of the captions of all n."""
    _, captions, same = batch.paired()
    logits = logits.float()
    choosing_captions = softmax_cross_entropy(logits, same.repeat_interleave(each, dim=1))
    logits, met = (x.T for x in batch.beside(logits))
    own = same.any(dim=0)
    choosing_pictures = softmax_cross_entropy(logits[own.repeat_interleave(each)], met[own].repeat_interleave(each, 0))
    return (choosing_captions + choosing_pictures / each) / (2 * len(captions))


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
    "retention": retention,
}
"""Name in a recipe to loss."""


def total_loss(
    model: TaggingModel, batch: Batch, weights: Mapping[str, float], losses: LossRecipe
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The weighted sum, and each objective's loss before weighting."""
    objectives: dict[str, Callable[[TaggingModel, Batch], torch.Tensor]] = {
        **OBJECTIVES,
        "tagging": partial(tagging, loss=losses.tagging, unknown=losses.unknown),
        "alignment": partial(alignment, loss=losses.alignment),
    }
    parts = {name: objectives[name](model, batch) for name in weights}
    return torch.stack([weights[name] * part for name, part in parts.items()]).sum(), parts
