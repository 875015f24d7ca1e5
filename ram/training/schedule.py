"""The learning rate of every step, and the optimizer that a recipe asks for."""

from __future__ import annotations

import math

import torch

from ram.models.ram import TaggingModel
from ram.training.recipe_sections import ScheduleRecipe


def learning_rate(step: int, total: int, schedule: ScheduleRecipe) -> float:
    """Return the learning rate of a step, counted from 0, of ``total`` steps."""
    warm = schedule.warmup_steps or max(1, round(schedule.warmup * total))
    if step < warm:
        return schedule.learning_rate * (step + 1) / warm
    if isinstance(schedule.decay, str):
        return schedule.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))
    return schedule.learning_rate * schedule.decay ** (step * schedule.epochs // total)


def make_optimizer(model: TaggingModel, schedule: ScheduleRecipe) -> torch.optim.Optimizer:
    """Build AdamW over all parameters that require gradients; ``factor`` of a group scales the learning rate."""
    backbone = set(map(id, model.image_encoder.backbone.parameters()))
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for parameter in model.parameters():
        if parameter.requires_grad:
            decay = schedule.weight_decay if parameter.ndim >= 2 else 0.0
            factor = schedule.backbone_rate if id(parameter) in backbone else 1.0
            groups.setdefault((decay, factor), []).append(parameter)
    mixed = schedule.shard and any(not parameter.ndim for parameter in model.parameters())
    return torch.optim.AdamW(
        [{"params": p, "weight_decay": decay, "factor": factor} for (decay, factor), p in groups.items()],
        lr=schedule.learning_rate,
        foreach=False if mixed else None,  # it takes no sharded and whole parameters together
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of the next step, times the factor of each group."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]
