"""What a run measures on held-out pictures: logits after each epoch, thresholds at the end."""

from __future__ import annotations

import math

import torch

from ram.evaluation.calibration import calibrate, shared_threshold
from ram.models.heads import SharedHead
from ram.models.ram import TaggingModel
from ram.text.bank import TagEmbeddingBank
from ram.training.data.training_set import TrainingSet

PRIOR_ELSEWHERE = 1000
"""How much the threshold all tags share counts for photos of any kind, in positives. Nearly all photos of Flickr8k show
people, so that its own best thresholds let "person" pass in most photos of anything."""


@torch.inference_mode()
def held_out_logits(model: TaggingModel, held_out: TrainingSet, batch: int) -> torch.Tensor:
    """(pictures, tags) logits of held-out triplets, seen as evaluation sees them; float32 on the CPU."""
    tags = held_out.bank.embedded.to(next(model.parameters()).device, torch.float32)
    logits = [
        model.score(held_out.pictures.look_plainly(model.image_encoder, ids), tags).float().cpu()
        for ids in torch.arange(len(held_out.triplets)).split(batch)
    ]
    return torch.cat(logits)


@torch.no_grad()
def calibrate_model(model: TaggingModel, held_out: TrainingSet, batch: int) -> TagEmbeddingBank:
    """Shift the head so that 0.5 is the best threshold all tags share, and return the bank with a threshold a tag.

    The asymmetric loss lifts all probabilities; the shift undoes it for categories nobody calibrates, whose threshold
    is 0.5. The thresholds stay near that too, see :data:`PRIOR_ELSEWHERE`. No ranking changes.
    """
    targets = held_out.triplets.targets[:].numpy()
    logits = held_out_logits(model, held_out, batch)
    shared = shared_threshold(logits.sigmoid().numpy(), targets)
    shared = min(max(shared, 0.001), 0.999)
    shift = math.log(shared / (1 - shared))
    assert isinstance(model.head, SharedHead), "learned tags are not trained here"
    model.head.bias.sub_(shift)
    scores = (logits - shift).sigmoid().numpy()
    return held_out.bank.with_thresholds(calibrate(scores, targets, PRIOR_ELSEWHERE).tolist())
