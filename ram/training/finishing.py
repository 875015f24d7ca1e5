"""Fit the head's bias and the thresholds of a trained model to held-out images."""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from ram.evaluation.calibration import calibrate, shared_threshold
from ram.models.heads import SharedHead
from ram.models.ram import TaggingModel
from ram.text.bank import TagEmbeddingBank
from ram.training.data.training_set import TrainingSet
from ram.training.learned_tags import present_tags

SHARED_PRIOR = 1000
"""Weight of the threshold that all tags share, in positives. Nearly all photos of Flickr8k show people, so that the
best thresholds of that set alone let "person" pass in most photos of anything."""


@torch.inference_mode()
def held_out_logits(model: TaggingModel, held_out: TrainingSet, batch: int) -> torch.Tensor:
    """Return (images, tags) logits of held-out images without augmentation, in float32 on the CPU."""
    tags = present_tags(model, held_out.bank)
    logits = [
        model.score(held_out.pictures.look_plainly(model.image_encoder, ids), tags).float().cpu()
        for ids in torch.arange(len(held_out.triplets)).split(batch)
    ]
    return torch.cat(logits)


@torch.no_grad()
def calibrate_model(model: TaggingModel, held_out: TrainingSet, batch: int) -> TagEmbeddingBank:
    """Shift the head's bias and choose a threshold for each tag.

    The asymmetric loss raises all probabilities. The shift brings the threshold that is best for all tags together
    to 0.5, which is the threshold of typed categories. The thresholds stay close to the shared one, see
    :data:`SHARED_PRIOR`. No ranking changes.

    Args:
        model: in evaluation mode; its head's bias is changed. Learned tags have theirs in the bank.
        held_out: what to calibrate on.
        batch: images scored together.

    Returns:
        The bank of ``held_out`` with thresholds.
    """
    targets = held_out.triplets.targets[:].numpy()
    logits = held_out_logits(model, held_out, batch)
    shared = min(max(shared_threshold(logits.sigmoid().numpy(), targets), 0.001), 0.999)
    shift = math.log(shared / (1 - shared))
    bank = held_out.bank
    if isinstance(model.head, SharedHead):
        model.head.bias.sub_(shift)
    else:
        rows = bank.embedded.embeddings.clone()
        rows[..., -1] -= shift
        bank = replace(bank, embedded=replace(bank.embedded, embeddings=rows))
    scores = (logits - shift).sigmoid().numpy()  # the bias is a part of every logit
    return bank.with_thresholds(calibrate(scores, targets, SHARED_PRIOR).tolist())
