"""Objectives: named losses of a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
import torch.nn.functional as F
from torch.nn.utils.rnn import pad_sequence

from ram.models.description_embeddings import DescriptionEmbeddings
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
from ram.training.caption_objective import captioning
from ram.training.consensus import Consensus
from ram.training.data.guided_captions import GuidedCaptions
from ram.training.data.negatives import SampledTags
from ram.training.recipe_sections import CaptionRecipe, LossRecipe
from ram.training.self_critical import self_critical


@dataclass(frozen=True)
class Batch:
    """One piece of a batch.

    A process encodes its own images but has the captions of the whole batch. Every objective is the share of the own
    images: summed over all pieces it is the loss of the whole batch.

    Args:
        features: of the own images, (own, patches + 1, dim) tokens.
        tags: descriptions of the tags of this step.
        targets, known: (own, tags) booleans of the same tags.
        samples: which of the tags each own image is scored against; None where it is all of them.
        captions: (batch, captions, dim) embeddings of the captions drawn for each image of the whole batch.
        captioned: (batch,) False where an image has no caption; its row of ``captions`` is not used.
        taught: (own, dim) the teacher's target embeddings, a row of zeros for an image without one; None without a
            teacher.
        probabilities: (own, classes) probabilities of the pretrained classifier, or None.
        epoch: from 0; SPLC corrects labels after the first.
        own: the rows of the whole batch that are the own images.
        together: the rows that all processes encode at the same time.
        gather: maps (own, ...) values of the own images to (together, ...), with gradient.
        shown_in: (batch,) row of the features that shows each image, where some are joined to mosaics; None where each
            image has its own row.
        guided: captions of the own images as ids, with the tags that guide them and the row of the features of each;
            an image without captions has none. None without the objectives of a captioner.
        consensus: scores captions for the objective self_critical.
        total: sums a tensor over the processes, without gradient.
    """

    features: ImageFeatures
    tags: DescriptionEmbeddings
    targets: torch.Tensor
    known: torch.Tensor
    captions: torch.Tensor
    captioned: torch.Tensor
    samples: Sequence[SampledTags] | None = None
    taught: torch.Tensor | None = None
    probabilities: torch.Tensor | None = None
    epoch: int = 0
    own: slice = field(default_factory=lambda: slice(None))
    together: slice = field(default_factory=lambda: slice(None))
    gather: Callable[[torch.Tensor], torch.Tensor] = lambda values: values
    shown_in: torch.Tensor | None = None
    guided: GuidedCaptions | None = None
    consensus: Consensus | None = None
    total: Callable[[torch.Tensor], torch.Tensor] = lambda values: values

    def __len__(self) -> int:
        """Number of images of the whole batch."""
        return len(self.captioned)

    def paired(self) -> tuple[ImageFeatures, torch.Tensor, torch.Tensor]:
        """Return the images that have a caption.

        Returns:
            Features of the own images, captions (n, captions, dim) of all n images of the batch, and (own, n) True
            where an image meets its own captions.
        """
        own = self._same()[self.own]
        with_caption = own.any(dim=1)
        return self.features.rows(with_caption), self.captions[self.captioned], own[with_caption]

    def beside(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Gather values of the own images that have a caption from all processes.

        Args:
            values: (own, ...).

        Returns:
            Values (together, ...), and (together, n) True where an image meets its own captions.
        """
        same = self._same()
        with_caption = same.any(dim=1)
        own, together = with_caption[self.own], with_caption[self.together]
        rows = values.new_zeros(len(own), *values.shape[1:])
        rows[own] = values
        return self.gather(rows)[together], same[self.together][together]

    def _same(self) -> torch.Tensor:
        """Return (rows, n) booleans, True where a row of the features shows the n-th image that has a caption."""
        device = self.captioned.device
        shown_in = torch.arange(len(self), device=device) if self.shown_in is None else self.shown_in.to(device)
        rows = torch.arange(int(shown_in.max()) + 1, device=device)
        return rows[:, None] == shown_in[self.captioned][None]


def tagging(model: TaggingModel, batch: Batch, loss: str = "asl", unknown: float = 0.0) -> torch.Tensor:
    """Loss over the known tags, summed over tags (RAM++, section 3.2); the asymmetric one with gamma_neg 7.

    With cross entropy the known tags of an image compete, and its positives share the probability. Differs from the
    paper: divided by the number of images, so that weights do not depend on the batch size.
    """
    if batch.samples is not None:
        return _sampled_tagging(model, batch, batch.samples, _entrywise(loss, gamma_neg=7, epoch=batch.epoch))
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


def _sampled_tagging(
    model: TaggingModel,
    batch: Batch,
    samples: Sequence[SampledTags],
    entrywise: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    """Compute the tagging loss where each image has its own few tags."""
    blended = []
    for pooled, sample in zip(batch.features.pooled.split(1), samples, strict=True):
        columns = torch.cat([sample.present, sample.absent]).to(batch.targets.device)
        blended.append(model.reweighting(pooled, batch.tags.rows(columns))[0][0])
    logits = model.decode(batch.features, pad_sequence(blended, batch_first=True))
    total = logits.sum() * 0.0
    for scores, sample in zip(logits, samples, strict=True):
        present, absent, _ = scores.tensor_split([len(sample.present), len(sample.present) + len(sample.absent)])
        total = total + entrywise(present, torch.ones_like(present))
        total = total + sample.weight * entrywise(absent, torch.zeros_like(absent))
    return total / len(batch)


def alignment(model: TaggingModel, batch: Batch, loss: str = "asl") -> torch.Tensor:
    """Loss of every image against every caption of the batch, divided by the number of images.

    The asymmetric loss takes gamma_neg 4. Cross entropy is CLIP's loss, see :func:`contrastive`.
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
    """Mean absolute distance of the unnormalized pooled token to the teacher's embedding (RAM++, appendix A).

    An image without a target has no loss.
    """
    assert batch.taught is not None, "the recipe checks that distillation has a teacher"
    has_target = batch.taught.any(dim=-1)
    if not has_target.any():
        return batch.features.tokens.sum() * 0.0
    share = has_target.sum() / len(batch)
    return share * distillation_loss(batch.features.pooled[has_target], batch.taught[has_target])


def retention(model: TaggingModel, batch: Batch) -> torch.Tensor:
    """Kullback-Leibler divergence of the classifier on the trained backbone from the classifier before training.

    It keeps what the backbone knows of things that the training images hardly show (Li and Hoiem 2016).
    """
    assert batch.probabilities is not None and batch.features.classes is not None, "the recipe checks the classifier"
    now = batch.features.classes.float().log_softmax(dim=-1)
    return F.kl_div(now, batch.probabilities, reduction="sum") / len(batch)


def contrastive(model: TaggingModel, batch: Batch) -> torch.Tensor:
    """CLIP's contrastive loss between pooled tokens and captions, the mean of both directions.

    It replaces the paper's distillation from CLIP where there is no frozen image teacher in the text encoder's space:
    it teaches the pooled token to select descriptions.

    Images choose among all captions of the batch, captions among the images that are encoded at the same time: with
    gradient accumulation these are fewer.
    """
    features, captions, _ = batch.paired()
    if not len(captions):
        return batch.features.tokens.sum() * 0.0
    pooled, texts = (F.normalize(x.float(), dim=-1) for x in (features.pooled, captions.mean(dim=1)))
    return _choices(batch, pooled @ texts.T * model.reweighting.contrast_scale, 1)


def _captioning(model: TaggingModel, batch: Batch, recipe: CaptionRecipe = CaptionRecipe()) -> torch.Tensor:  # noqa: B008
    """Caption loss of the own images; see :func:`ram.training.caption_objective.captioning`."""
    assert model.captioner is not None and batch.guided is not None, "the recipe checks the captioner"
    return captioning(model.captioner, batch.features.tokens, batch.guided, recipe.smoothing, recipe.together)


def _self_critical(model: TaggingModel, batch: Batch, recipe: CaptionRecipe = CaptionRecipe()) -> torch.Tensor:  # noqa: B008
    """Policy gradient of drawn captions; see :func:`ram.training.self_critical.self_critical`."""
    assert model.captioner is not None and batch.guided is not None, "the recipe checks the captioner"
    assert batch.consensus is not None, "a step with this objective has it"
    return self_critical(model.captioner, batch.features.tokens, batch.guided, batch.consensus, recipe.samples)


def _choices(batch: Batch, logits: torch.Tensor, each: int) -> torch.Tensor:
    """Cross entropy in both directions from (own, n * each) logits of own images and the captions of all n images."""
    _, captions, same = batch.paired()
    logits = logits.float()
    choosing_captions = softmax_cross_entropy(logits, same.repeat_interleave(each, dim=1))
    logits, met = (x.T for x in batch.beside(logits))
    own = same.any(dim=0)
    choosing_pictures = softmax_cross_entropy(logits[own.repeat_interleave(each)], met[own].repeat_interleave(each, 0))
    return (choosing_captions + choosing_pictures / each) / (2 * len(captions))


def _entrywise(loss: str, gamma_neg: float, epoch: int) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Return a loss over logits and targets of the same shape, summed."""
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
    "captioning": _captioning,
    "self_critical": _self_critical,
}
"""Maps the name in a recipe to the loss."""


def total_loss(
    model: TaggingModel,
    batch: Batch,
    weights: Mapping[str, float],
    losses: LossRecipe,
    captions: CaptionRecipe = CaptionRecipe(),  # noqa: B008  (a frozen value)
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return the weighted sum, and each objective's loss before weighting and scaling."""
    objectives: dict[str, Callable[[TaggingModel, Batch], torch.Tensor]] = {
        **OBJECTIVES,
        "tagging": partial(tagging, loss=losses.tagging, unknown=losses.unknown),
        "alignment": partial(alignment, loss=losses.alignment),
        "captioning": partial(_captioning, recipe=captions),
        "self_critical": partial(_self_critical, recipe=captions),
    }
    parts = {name: objectives[name](model, batch) for name in weights}
    scaled = dict(parts)
    if losses.tagging_scaled_to:
        scaled["tagging"] = _scaled(batch, parts["tagging"], parts[losses.tagging_scaled_to])
    return torch.stack([weights[name] * part for name, part in scaled.items()]).sum(), parts


def _scaled(batch: Batch, loss: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Scale a share of a loss so that the whole loss has the size of another, without gradient (Tag2Text, RAM).

    As it is where either is 0, such as in a batch without captions.
    """
    whole, size = batch.total(torch.stack([loss, other]).detach()).unbind()
    return loss * (size / whole) if whole > 0 and size > 0 else loss
