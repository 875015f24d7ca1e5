"""The training loop: from a recipe to a model folder, in one process or many, resumable after a kill.

It reads from top to bottom: a run, and its steps. What the first process writes is in :mod:`ram.training.recorder`,
the random draws of a step are in :mod:`ram.training.draws`, its losses in :mod:`ram.training.step`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, nullcontext
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from itertools import tee
from pathlib import Path

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from ram.checkpoints.model_folder import save_model
from ram.errors import InputError, TrainingError
from ram.models.caption_text import CaptionText
from ram.models.ram import TaggingModel
from ram.runtime import Progress, has_bfloat16, quiet
from ram.training.data.caption_words import fit_captioner, read_words
from ram.training.data.training_set import TrainingSet, read_dev_set, read_training_set
from ram.training.data.views import View
from ram.training.distributed import World
from ram.training.draws import Draw, generator_for
from ram.training.finishing import calibrate_model
from ram.training.initial import initial_model, set_learning, set_statistics
from ram.training.learned_tags import learn_tags, take_tags
from ram.training.log import LearningCurve
from ram.training.recipe import Recipe
from ram.training.recipe_sections import WRITING
from ram.training.recorder import Recorder
from ram.training.schedule import learning_rate, make_optimizer, set_learning_rate
from ram.training.sharding import ShardedModel
from ram.training.state import Position, RunningAverage, TrainingState
from ram.training.step import Step

_log = logging.getLogger(__name__)


class NonFiniteLoss(TrainingError):
    """A loss or gradient is infinite or NaN; the message names step, losses and images."""


def train(
    recipe: Recipe,
    data: Path,
    output: Path,
    *,
    cache: Path | None = None,
    resume: bool = False,
    device: torch.device | str = "cpu",
    world: World = World(),  # noqa: B008  (a frozen value)
    progress: Progress = quiet,
) -> Path:
    """Run a recipe.

    Args:
        recipe: what to do.
        data: folder to which the recipe's paths are relative.
        output: folder for the model (``output/model``; matrices in 16 bit, thresholds calibrated on the recipe's dev
            set), the learning curve (``log.jsonl``) and the state.
        cache: folder for what is computed once and shared between runs: patches and embedded captions; ``output``
            where None.
        resume: continue from the last state in ``output``, or begin where there is none.
        device: where this process trains.
        world: the processes that train together; all call this function alike, and the first one writes.
        progress: called with what is being done, how much is done, and how much there is.

    Returns:
        The model folder, ready for :func:`ram.load`.

    Raises:
        InputError: data cannot be read, the schedule does not fit the device or the processes, or ``output`` already
            holds a run and ``resume`` is False.
        NonFiniteLoss: a loss or gradient is infinite or NaN.
    """
    schedule, device = recipe.schedule, torch.device(device)
    state_file, folder = output / "state.safetensors", output / "model"
    if (state_file.is_file() or folder.exists()) and not resume:
        raise InputError(f"{output.name!r} already holds a run: go on with --resume, or choose another --output")
    if schedule.precision == "float16" and device.type != "cuda":
        raise InputError("schedule.precision is 'float16', which needs a GPU: take 'bfloat16' or 'float32' elsewhere")
    schedule.pieces(world.size)  # before hours of reading
    words = None if recipe.model.captioner is None else read_words(recipe, data)
    recipe = recipe if words is None else replace(recipe, model=fit_captioner(recipe.model, words))
    output.mkdir(parents=True, exist_ok=True)
    model, text = initial_model(recipe, data).to(device), None
    if model.captioner is not None and words is not None:
        model.captioner.words = words
        text = CaptionText(model.captioner.config, words) if {*WRITING} & {*recipe.objectives} else None
    with world.first_alone():  # it leaves caches to the others
        training = read_training_set(recipe, data, output, cache or output, model.image_encoder, progress, text)
    learn_tags(model, training.bank)
    if not state_file.is_file() and (not recipe.initialize or recipe.initialize_parts):
        set_statistics(model, training)  # all weights of another belong to its own statistics
    state = _state(recipe, model, world)
    learner = Learner(recipe, training, state, world)
    position = Position()
    if state_file.is_file():
        position = state.load(state_file, learner.steps_per_epoch)
    dev = None
    if world.first:
        if schedule.precision == "bfloat16" and device.type == "cpu" and not has_bfloat16():
            _log.warning("this CPU does not multiply bfloat16: --set schedule.precision=float32 may be far faster")
        encoder = (state.copy or model).image_encoder
        dev = read_dev_set(recipe, data, output, cache or output, training, encoder, progress)
    with ExitStack() as stack:
        curve = None
        if world.first:
            steps = position.epoch * learner.steps_per_epoch + position.step
            curve = stack.enter_context(LearningCurve(output, position.log, steps))
        Recorder(learner, state_file, curve, dev, progress).run(position)
    with state.averaged() as averaged:
        if world.first and averaged is not None:
            bank = take_tags(averaged, training.bank)
            if dev is not None:
                bank = calibrate_model(averaged.eval(), replace(dev, bank=bank), schedule.batch)
            save_model(folder, recipe.model, averaged, bank, half=True)
    world.wait()
    return folder


def _state(recipe: Recipe, model: TaggingModel, world: World) -> TrainingState:
    schedule, device = recipe.schedule, next(model.parameters()).device
    sharded = copy = None
    if schedule.shard and world.size > 1:
        copy = deepcopy(model) if world.first else None
        sharded = ShardedModel(model, device, world.size)
    average = RunningAverage(model, schedule.average)
    scaler = torch.amp.GradScaler(device.type, enabled=schedule.precision == "float16")
    return TrainingState(model, average, make_optimizer(model, schedule), scaler, sharded, copy)


@dataclass(frozen=True)
class StepResult:
    """Result of one step.

    Args:
        epoch, step: counted from 0, the step within the epoch.
        losses: of the whole batch, by objective, before weighting.
        learning_rate: of all but the backbone.
        gradient_norm: before clipping.
    """

    epoch: int
    step: int
    losses: Mapping[str, float]
    learning_rate: float
    gradient_norm: float


class Learner:
    """Takes the steps of a recipe.

    Args:
        recipe: how to learn.
        training: what to learn from.
        state: what learns.
        world: the processes; all take the same steps, each with its part of the images.

    Raises:
        InputError: the batch or the images do not divide into equal pieces.
    """

    def __init__(self, recipe: Recipe, training: TrainingSet, state: TrainingState, world: World) -> None:
        self.recipe = recipe
        self.training = training
        self.state = state
        self.world = world
        images, pieces = len(training.triplets), recipe.schedule.pieces(world.size)
        self.batch = min(recipe.schedule.batch, images // pieces * pieces)
        if not self.batch:
            raise InputError(f"{images} pictures do not fill the {pieces} pieces of a batch: train in fewer pieces")
        if recipe.schedule.mosaics and pieces > 1:
            raise InputError(f"schedule.mosaics joins images of a whole step, not of {pieces} pieces: train in one")
        learns = any(parameter.requires_grad for parameter in state.model.image_encoder.backbone.parameters())
        if learns and self.batch == pieces:  # torch 2.13 computes wrong gradients of a frozen BatchNorm on a CPU
            raise InputError(
                f"a batch of {self.batch} in {pieces} pieces: a backbone that learns needs 2 pictures in each"
            )
        self.steps_per_epoch = images // self.batch
        self._step = Step(state.model, training, recipe, pieces, world)
        sharded = state.sharded
        self._shared_step = world.wrap(self._step) if sharded is None else partial(sharded, self._step)
        shared = self._shared_step if sharded is None else sharded
        self._no_sync = shared.no_sync if isinstance(shared, DistributedDataParallel | ShardedModel) else nullcontext

    def steps(self, position: Position) -> Iterator[StepResult]:
        """Take the steps from a position to the end.

        Every random draw depends on seed, epoch and step alone, so that an interrupted run repeats them.

        Raises:
            NonFiniteLoss: a loss or gradient is infinite or NaN.
        """
        schedule = self.recipe.schedule
        for epoch in range(position.epoch, schedule.epochs):
            generator = generator_for(schedule.seed, "order", epoch)
            order = self.training.order(generator, self.recipe.data.shuffle_buffer)
            set_learning(self.state.model, self.recipe.freeze_backbone)
            steps = range(position.step if epoch == position.epoch else 0, self.steps_per_epoch)
            draws, ahead = tee(self._draw(epoch, step, order) for step in steps)
            views = self.training.pictures.views(self._step.requests(ahead))
            for step, draw in zip(steps, draws, strict=True):
                yield self._take(step, draw, views)

    def _draw(self, epoch: int, step: int, order: torch.Tensor) -> Draw:
        ids = order[step * self.batch : (step + 1) * self.batch]
        generator = generator_for(self.recipe.schedule.seed, "draws", epoch, step)
        return Draw.of(self.training, self.recipe, epoch, ids, generator)

    def _take(self, step: int, draw: Draw, views: Iterator[View]) -> StepResult:
        schedule, scaler, optimizer = self.recipe.schedule, self.state.scaler, self.state.optimizer
        epoch = draw.epoch
        total = schedule.epochs * self.steps_per_epoch
        rate = learning_rate(epoch * self.steps_per_epoch + step, total, schedule)
        set_learning_rate(optimizer, rate)
        optimizer.zero_grad(set_to_none=True)
        where = f"epoch {epoch + 1}, step {step + 1}"
        losses = self._backward(draw, step, views, where)
        scaler.unscale_(optimizer)
        if self.state.sharded is None:
            norm = nn.utils.clip_grad_norm_(self.state.model.parameters(), schedule.clip).item()
        else:
            norm = self.state.sharded.clip_gradients(schedule.clip)
        if norm * 0 != 0 and not scaler.is_enabled():  # a scaler skips such a step and lowers its scale
            raise self._error(f"the gradient's norm is {norm}", where, losses, draw.ids)
        scaler.step(optimizer)
        scaler.update()
        self.state.average.update()
        return StepResult(epoch, step, losses, rate, norm)

    def _backward(self, draw: Draw, step: int, views: Iterator[View], where: str) -> dict[str, float]:
        """Accumulate the gradient of the whole batch in the parameters, and return its losses."""
        objectives = self.recipe.objectives
        shares = torch.zeros(self._step.pieces, len(objectives), device=self._step.device)
        for round_ in range(self._step.rounds):
            piece = self._step.piece(round_)
            seed = self.recipe.schedule.seed, "dropout", draw.epoch, step, piece  # each piece has its own
            torch.manual_seed(generator_for(*seed).initial_seed())
            with self._no_sync() if round_ + 1 < self._step.rounds else nullcontext():
                total, shares[piece] = self._shared_step(draw, round_, next(views))
                # gradients are averaged over the processes, while their losses add up
                self.state.scaler.scale(total * self.world.size).backward()
        shares = self.world.total(shares).cpu()
        losses = dict(zip(objectives, shares.sum(0).tolist(), strict=True))
        broken = [piece for piece, share in enumerate(shares) if not share.isfinite().all()]
        if broken:
            ids = torch.cat([draw.ids[self._step.rows(draw, piece)] for piece in broken])
            weighted = sum(weight * losses[name] for name, weight in objectives.items())
            raise self._error(f"loss is {weighted}", where, losses, ids)
        return losses

    def _error(self, what: str, where: str, losses: Mapping[str, float], ids: torch.Tensor) -> NonFiniteLoss:
        files = ", ".join(self.training.triplets.pictures[i].name for i in ids.tolist())
        return NonFiniteLoss(
            f"{what} in {where} ({dict(losses)}); pictures: {files}: lower the learning rate or check these pictures"
        )
