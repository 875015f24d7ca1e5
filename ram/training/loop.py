"""The training loop: a recipe in, a model folder out; killed at any moment, it goes on from the last whole epoch."""

from __future__ import annotations

import json
import logging
import math
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from ram.build import build_model
from ram.checkpoints import save_model
from ram.embeddings import TagEmbeddingBank
from ram.evaluation.calibration import best_f1_threshold, calibrate
from ram.evaluation.metrics import mean_average_precision
from ram.models.queries import DescriptionEmbeddings
from ram.models.standardize import Standardize
from ram.models.tagging import TaggingModel
from ram.training.average import RunningAverage
from ram.training.backbones import load_pretrained
from ram.training.dataset import Progress, TrainingSet, read_dev_set, read_training_set
from ram.training.objectives import Batch, total_loss
from ram.training.pictures import PatchSource
from ram.training.recipe import Recipe, ScheduleRecipe
from ram.training.state import load_state, save_state

_log = logging.getLogger(__name__)


class NonFiniteLoss(RuntimeError):
    """Training went astray; the message names step, losses and pictures."""


def train(
    recipe: Recipe,
    data: Path,
    output: Path,
    *,
    resume: bool = False,
    device: str = "cpu",
    progress: Progress = lambda *_: None,
) -> Path:
    """Run a recipe.

    Args:
        recipe: what to do.
        data: folder to which the recipe's paths are relative.
        output: folder for the model (``output/model``; matrices in 16 bit, thresholds calibrated on the recipe's dev
            set), the learning curve (``log.jsonl``), caches and the state.
        resume: go on from ``output``'s last whole epoch.
        device: where to train.
        progress: told how far it is.

    Returns:
        The model folder, ready for :func:`ram.load`.

    Raises:
        ValueError: data cannot be read, or ``output`` already holds a run and ``resume`` was not asked for.
        NonFiniteLoss: a loss is infinite or not a number.
    """
    state_file = output / "state.safetensors"
    if state_file.is_file() and not resume:
        raise ValueError(f"{output.name!r} already holds a run: go on with --resume, or choose another --output")
    output.mkdir(parents=True, exist_ok=True)
    schedule = recipe.schedule
    torch.manual_seed(schedule.seed)
    model = build_model(recipe.model).to(device)
    if recipe.pretrained:
        load_pretrained(model.image_encoder.backbone, recipe.model.image.backbone)
    model.image_encoder.backbone.requires_grad_(not recipe.freeze_backbone)
    training = read_training_set(recipe, data, output, model.image_encoder, progress)
    set_statistics(model, training)
    dev = read_dev_set(recipe, data, output, training.bank, model.image_encoder, progress)
    optimizer = _optimizer(model, schedule)
    average = RunningAverage(model, schedule.average)
    first_epoch = load_state(state_file, model, average, optimizer) if state_file.is_file() else 0
    started = time.monotonic()
    with open(output / "log.jsonl", "a", encoding="utf-8") as log:
        for epoch in range(first_epoch, schedule.epochs):
            losses = _epoch(recipe, model, average, optimizer, training, epoch, progress)
            save_state(state_file, model, average, optimizer, epoch + 1)
            record: dict[str, Any] = {"epoch": epoch + 1, **losses, "seconds": round(time.monotonic() - started, 1)}
            if dev is not None:
                with average.applied():
                    scores = held_out_logits(model, dev, schedule.batch).sigmoid().numpy()
                record["dev_mAP"] = round(mean_average_precision(scores, dev.triplets.targets.numpy()), 4)
            _log.info("%s", record)
            log.write(json.dumps(record) + "\n")
            log.flush()
    with average.applied():
        bank = training.bank if dev is None else calibrate_model(model, dev, schedule.batch)
        save_model(output / "model", recipe.model, model, bank, half=True)
    return output / "model"


@torch.no_grad()
def calibrate_model(model: TaggingModel, held_out: TrainingSet, batch: int) -> TagEmbeddingBank:
    """Shift the head so that 0.5 is the best threshold all tags share, and return the bank with a threshold a tag.

    The asymmetric loss lifts all probabilities; the shift undoes it for categories nobody calibrates, whose threshold
    is 0.5. No ranking changes.
    """
    targets = held_out.triplets.targets.numpy()
    logits = held_out_logits(model, held_out, batch)
    shared = best_f1_threshold(logits.sigmoid().numpy().ravel(), targets.ravel())
    shared = min(max(shared, 0.001), 0.999)
    shift = math.log(shared / (1 - shared))
    model.head.bias.sub_(shift)
    return held_out.bank.with_thresholds(calibrate((logits - shift).sigmoid().numpy(), targets).tolist())


def set_statistics(model: TaggingModel, training: TrainingSet) -> None:
    """Fill what standardises patches and texts from the training set, where the model has it."""
    if isinstance(model.image_encoder.standardize, Standardize) and isinstance(training.pictures, PatchSource):
        model.image_encoder.standardize.set(*training.pictures.cache.statistics())
    if isinstance(model.queries.standardize, Standardize):
        model.queries.standardize.set(*training.text_statistics())


def learning_rate(step: int, total: int, schedule: ScheduleRecipe) -> float:
    """Linear warm-up, then half a cosine down to zero at ``total`` steps."""
    warm = max(1, round(schedule.warmup * total))
    if step < warm:
        return schedule.learning_rate * (step + 1) / warm
    return schedule.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))


@torch.inference_mode()
def held_out_logits(model: TaggingModel, held_out: TrainingSet, batch: int) -> torch.Tensor:
    """(pictures, tags) logits of held-out triplets, seen as evaluation sees them; float32 on the CPU."""
    tags = held_out.bank.embedded.to(next(model.parameters()).device, torch.float32)
    logits = [
        model.score(held_out.pictures.look_plainly(model.image_encoder, ids), tags).float().cpu()
        for ids in torch.arange(len(held_out.triplets)).split(batch)
    ]
    return torch.cat(logits)


def _epoch(
    recipe: Recipe,
    model: TaggingModel,
    average: RunningAverage,
    optimizer: torch.optim.Optimizer,
    training: TrainingSet,
    epoch: int,
    progress: Progress,
) -> dict[str, float]:
    """One pass; every random draw depends on seed and epoch alone, so a resumed run repeats it exactly."""
    schedule = recipe.schedule
    generator = torch.Generator().manual_seed(schedule.seed * 100_003 + epoch)
    torch.manual_seed(schedule.seed * 100_003 + epoch)
    model.train()
    model.image_encoder.backbone.train(not recipe.freeze_backbone)
    device = next(model.parameters()).device
    tags = training.queries.embedded.to(device, torch.float32)
    order = torch.randperm(len(training.triplets), generator=generator)
    steps = max(1, len(order) // schedule.batch)
    sums: dict[str, float] = {}
    for step in range(steps):
        rate = learning_rate(epoch * steps + step, schedule.epochs * steps, schedule)
        for group in optimizer.param_groups:
            group["lr"] = rate
        ids = order[step * schedule.batch : (step + 1) * schedule.batch]
        with attention_for(device), torch.autocast(
            device.type, torch.bfloat16, enabled=schedule.precision == "bfloat16"
        ):
            batch = _batch(model, training, tags, ids, schedule, generator, epoch)
            total, losses = total_loss(model, batch, recipe.objectives, recipe.losses)
        if not bool(total.isfinite()):
            files = ", ".join(training.triplets.pictures[i].name for i in ids[:8].tolist())
            raise NonFiniteLoss(
                f"loss is {total.item()} in epoch {epoch + 1}, step {step + 1} "
                f"({ {name: loss.item() for name, loss in losses.items()} }); pictures: {files}...: "
                "lower the learning rate or check these pictures"
            )
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), schedule.clip, error_if_nonfinite=True)
        optimizer.step()
        average.update()
        for name, loss in losses.items():
            sums[name] = sums.get(name, 0.0) + loss.item()
        progress(f"epoch {epoch + 1} of {schedule.epochs}", step + 1, steps)
    model.eval()
    return {name: round(total / steps, 4) for name, total in sums.items()}


def _batch(
    model: TaggingModel,
    training: TrainingSet,
    tags: DescriptionEmbeddings,
    ids: torch.Tensor,
    schedule: ScheduleRecipe,
    generator: torch.Generator,
    epoch: int,
) -> Batch:
    device = tags.embeddings.device
    features = training.pictures.look(model.image_encoder, ids, generator)
    targets, known = training.triplets.targets[ids], training.triplets.known[ids]
    if 0 < schedule.tags_per_step < tags.tags:
        drawn = draw_tags(targets, schedule.tags_per_step, generator)
        tags, targets, known = tags.rows(drawn.to(device)), targets[:, drawn], known[:, drawn]
    captions, captioned = training.draw_captions(ids, schedule.captions_per_picture, generator)
    taught = None if training.teacher is None else training.teacher.teach(ids).to(device)
    return Batch(
        features, tags, targets.to(device), known.to(device), captions.to(device), captioned.to(device), taught, epoch
    )


def attention_for(device: torch.device) -> AbstractContextManager[None]:
    """Plain attention on a CPU, where the backward pass of the fused one takes a fifth of a step's time."""
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()


def draw_tags(targets: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """Positions of the tags of a step: all that occur in the batch, then others at random up to ``count``.

    Every positive is learnt from, and a rare tag meets its negatives in proportion (the federated loss of Zhou et al.
    2021). It lifts the probabilities of rare tags and leaves their ranking alone; thresholds are calibrated after it.
    """
    order = torch.randperm(targets.shape[1], generator=generator)
    occurs = targets.any(dim=0)[order]
    return torch.cat([order[occurs], order[~occurs]])[: max(count, int(occurs.sum()))]


def _optimizer(model: TaggingModel, schedule: ScheduleRecipe) -> torch.optim.Optimizer:
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    return torch.optim.AdamW(
        [
            {"params": [p for _, p in trained if p.ndim >= 2], "weight_decay": schedule.weight_decay},
            {"params": [p for _, p in trained if p.ndim < 2], "weight_decay": 0.0},
        ],
        lr=schedule.learning_rate,
    )
