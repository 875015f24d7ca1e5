"""Training images a second of two recipes, by the steps of the training loop itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import partial

import torch
import torch.nn.functional as F

from benchmarks.gpu.bounded import Measurement, Result
from benchmarks.gpu.card import WARM_UP, Card
from benchmarks.gpu.materials import Materials
from benchmarks.gpu.plan import Plan
from benchmarks.gpu.synthetic_training_set import synthetic_training_set
from ram.models.build import build_model
from ram.training.distributed import World
from ram.training.initial import choose_learning
from ram.training.loop import Learner
from ram.training.recipe import Recipe
from ram.training.schedule import make_optimizer
from ram.training.state import Position, RunningAverage, TrainingState
from ram.training.teachers import ClipTeacher, FixedTeacher, Teacher

LITE, SWIN = "ram-plus-lite", "ram-plus-swin-base-pretrain"
LITE_TAGS, LITE_DESCRIPTIONS = 1500, 8
"""The least that the shipped vocabulary is to have."""


def training(materials: Materials) -> Iterator[Measurement]:
    """Steps of both recipes, first with the recipe's own batch and precision."""
    plan, card = materials.plan, materials.card
    for name, batches in ((LITE, plan.lite_batches), (SWIN, plan.swin_batches)):
        for batch in batches:
            recipe = recipe_for(plan, name, batch)
            precision = recipe.schedule.precision
            what = f"training {name}, batch {batch}, {precision}"
            yield Measurement(what, 10, 60, partial(measure_training, what, plan, card, recipe))


def recipe_for(plan: Plan, name: str, batch: int) -> Recipe:
    """Return a shipped recipe with another batch; a larger one than the lite recipe's own is trained in bfloat16."""
    recipe = Recipe.load(name)
    precision = "bfloat16" if name == LITE and batch > recipe.schedule.batch else recipe.schedule.precision
    schedule = dataclasses.replace(recipe.schedule, batch=batch, precision=precision)
    model = recipe.model
    if plan.tiny and name == LITE:
        model = dataclasses.replace(model, image=dataclasses.replace(model.image, train_size=128, grid=4))
    if plan.tiny and name == SWIN:
        tiny = plan.size.config
        model = dataclasses.replace(model, image=tiny.image, decoder=tiny.decoder)
    return dataclasses.replace(recipe, model=model, schedule=schedule)


def measure_training(what: str, plan: Plan, card: Card, recipe: Recipe) -> Result:
    """Take steps from random weights on random images."""
    batch = recipe.schedule.batch
    steps = WARM_UP + plan.rounds + 3  # the warm-up round of a median, the peak of memory, and one to spare
    images = batch * steps
    torch.manual_seed(0)
    model = build_model(recipe.model).to(card.device)
    choose_learning(model, recipe)
    tags, descriptions = plan.size.tags, plan.size.descriptions
    if recipe.learning_stages and not plan.tiny:
        tags, descriptions = LITE_TAGS, LITE_DESCRIPTIONS
    teacher = _teacher(plan, card, recipe, images)
    training_set = synthetic_training_set(recipe, model.image_encoder, teacher, images, tags, descriptions)
    average = RunningAverage(model, recipe.schedule.average)
    scaler = torch.amp.GradScaler(card.device.type, enabled=recipe.schedule.precision == "float16")
    state = TrainingState(model, average, make_optimizer(model, recipe.schedule), scaler)
    taken = Learner(recipe, training_set, state, World()).steps(Position())
    seconds = card.medians({"ours": lambda: next(taken)}, plan.rounds, plan.seconds)["ours"]
    return Result(
        what,
        ours=seconds,
        value=batch / seconds,
        unit="images/s",
        memory=card.peak(lambda: next(taken)),
        note=f"{tags:,} tags of {descriptions}",
    )


def _teacher(plan: Plan, card: Card, recipe: Recipe, images: int) -> Teacher | None:
    if not recipe.teacher:
        return None
    if plan.tiny:
        return FixedTeacher(F.normalize(torch.randn(images, recipe.model.dim), dim=-1))
    return ClipTeacher((), card.device, pretrained=None)
