"""How a run learns: the schedule of a recipe, the optimizer it asks for, and the learning rate of every step."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from ram.models.ram import TaggingModel

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""Name in a recipe to what autocast computes in."""


@dataclass(frozen=True)
class ScheduleRecipe:
    """How to learn: AdamW, linear warm-up to ``learning_rate``, then down.

    Args:
        epochs: passes over the pictures.
        batch: pictures a step, those of all processes together.
        learning_rate: the highest.
        warmup: share of all steps that warms up.
        warmup_steps: the same as a number of steps, in place of ``warmup``; 0 takes the share.
        decay: "cosine" falls along half a cosine to nothing; a number is multiplied in after every epoch, as in the
            paper, which takes 0.9.
        weight_decay: on weight matrices, not on biases, norms or the re-weighting scale.
        backbone_rate: learning rate of a backbone that learns, relative to the rest.
        clip: largest gradient norm.
        average: decay of the running average of the weights that is saved; 0 saves the last weights.
        tags_per_step: tags scored in each step, those that occur in it first, others drawn; 0 for all.
        mosaics: share of the pictures of a step that are joined in pairs (see :mod:`ram.training.data.mosaics`).
        description_dropout: share of a tag's descriptions that a step leaves out, at least one stays: the decoder meets
            a tag by one sentence as well as by many.
        captions_per_picture: captions drawn for each picture of a step; the paper takes 1, more are more negatives.
        precision: "float32", or autocast in "bfloat16" or, on a GPU, in "float16" with scaled gradients.
        accumulate: pieces in which each process looks at its part of a batch, one after the other, where it does not
            fit the memory; the gradients are those of the whole batch (but see
            :func:`ram.training.objectives.contrastive`).
        checkpointing: recompute the backbone's activations in the backward pass: less memory, a third more time.
        save_minutes: the state is saved after every epoch, and within one after as many minutes.
        log_every: steps between two lines of the learning curve.
        seed: of every random draw.
    """

    epochs: int
    batch: int
    learning_rate: float
    warmup: float = 0.1
    warmup_steps: int = 0
    decay: str | float = "cosine"
    weight_decay: float = 0.05
    backbone_rate: float = 1.0
    clip: float = 5.0
    average: float = 0.0
    tags_per_step: int = 0
    mosaics: float = 0.0
    description_dropout: float = 0.0
    captions_per_picture: int = 1
    precision: str = "bfloat16"
    accumulate: int = 1
    checkpointing: bool = False
    save_minutes: float = 10.0
    log_every: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "captions_per_picture", "accumulate", "log_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"schedule.{name} is {getattr(self, name)}: it must be at least 1")
        for name in ("learning_rate", "backbone_rate", "clip"):
            if not getattr(self, name) > 0:
                raise ValueError(f"schedule.{name} is {getattr(self, name)}: it must be over 0")
        for name in ("weight_decay", "warmup_steps", "tags_per_step", "save_minutes"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"schedule.{name} is {getattr(self, name)}: it must not be negative")
        if not 0 <= self.mosaics <= 1:
            raise ValueError(f"schedule.mosaics is {self.mosaics}: it must be between 0 and 1")
        if self.mosaics and self.accumulate > 1:
            raise ValueError("schedule.mosaics joins pictures of a whole step: set schedule.accumulate = 1")
        for name in ("warmup", "average", "description_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"schedule.{name} is {getattr(self, name)}: it must be at least 0 and under 1")
        if self.decay != "cosine" and (isinstance(self.decay, str) or not 0 < self.decay <= 1):
            raise ValueError(f"schedule.decay is {self.decay!r}: it must be 'cosine' or a factor between 0 and 1")
        if self.precision not in PRECISIONS:
            raise ValueError(f"schedule.precision is {self.precision!r}: it must be one of {sorted(PRECISIONS)}")
        self.pieces(1)

    def pieces(self, processes: int) -> int:
        """Equal pieces in which so many processes look at a batch.

        Raises:
            ValueError: the batch does not divide.
        """
        pieces = processes * self.accumulate
        if self.batch % pieces:
            raise ValueError(
                f"schedule.batch is {self.batch}: it must divide into {pieces} equal pieces "
                f"(schedule.accumulate {self.accumulate} times {processes} processes)"
            )
        return pieces


def learning_rate(step: int, total: int, schedule: ScheduleRecipe) -> float:
    """Of one of ``total`` steps, counted from 0."""
    warm = schedule.warmup_steps or max(1, round(schedule.warmup * total))
    if step < warm:
        return schedule.learning_rate * (step + 1) / warm
    if isinstance(schedule.decay, str):
        return schedule.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))
    return schedule.learning_rate * schedule.decay ** (step * schedule.epochs // total)


def make_optimizer(model: TaggingModel, schedule: ScheduleRecipe) -> torch.optim.Optimizer:
    """AdamW over all that requires gradients; a group's ``factor`` scales the learning rate of a step."""
    backbone = set(map(id, model.image_encoder.backbone.parameters()))
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for parameter in model.parameters():
        if parameter.requires_grad:
            decay = schedule.weight_decay if parameter.ndim >= 2 else 0.0
            factor = schedule.backbone_rate if id(parameter) in backbone else 1.0
            groups.setdefault((decay, factor), []).append(parameter)
    return torch.optim.AdamW(
        [{"params": p, "weight_decay": decay, "factor": factor} for (decay, factor), p in groups.items()],
        lr=schedule.learning_rate,
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """For the next step, each group's by its factor."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]
