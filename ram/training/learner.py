"""What happens in a run, step after step, the same in one process or many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import tee

import torch
from torch.nn.parallel import DistributedDataParallel

from ram.errors import TrainingError
from ram.training.data.training_set import TrainingSet
from ram.training.data.views import View
from ram.training.distributed import World
from ram.training.initial import set_learning
from ram.training.recipe import Recipe
from ram.training.schedule import learning_rate, set_learning_rate
from ram.training.state import Position, TrainingState
from ram.training.step import Draw, Step, generator_for


class NonFiniteLoss(TrainingError):
    """Training went astray; the message names step, losses and pictures."""


@dataclass(frozen=True)
class StepTaken:
    """What one step did.

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
        training: from what.
        state: what learns.
        world: the processes; all take the same steps, each over its part of the pictures.

    Raises:
        ValueError: the batch or the pictures do not divide into equal pieces.
    """

    def __init__(self, recipe: Recipe, training: TrainingSet, state: TrainingState, world: World) -> None:
        self.recipe = recipe
        self.training = training
        self.state = state
        self.world = world
        pictures, pieces = len(training.triplets), recipe.schedule.pieces(world.size)
        self.batch = min(recipe.schedule.batch, pictures // pieces * pieces)
        if not self.batch:
            raise ValueError(f"{pictures} pictures do not fill the {pieces} pieces of a batch: train in fewer pieces")
        if recipe.schedule.mosaics and pieces > 1:
            raise ValueError(f"schedule.mosaics joins pictures of a whole step, not of {pieces} pieces: train in one")
        learns = any(parameter.requires_grad for parameter in state.model.image_encoder.backbone.parameters())
        if learns and self.batch == pieces:  # torch 2.13 takes wrong gradients through a frozen BatchNorm on a CPU
            raise ValueError(
                f"a batch of {self.batch} in {pieces} pieces: a backbone that learns needs 2 pictures in each"
            )
        self.steps_per_epoch = pictures // self.batch
        self._step = Step(state.model, training, recipe, pieces, world)
        self._shared_step = world.wrap(self._step)

    def steps(self, position: Position) -> Iterator[StepTaken]:
        """From a position to the end; every random draw depends on seed, epoch and step alone, so that it does not
        matter where a run was interrupted.

        Raises:
            NonFiniteLoss: a loss or its gradient is infinite or not a number.
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

    def _take(self, step: int, draw: Draw, views: Iterator[View]) -> StepTaken:
        schedule, scaler, optimizer = self.recipe.schedule, self.state.scaler, self.state.optimizer
        epoch = draw.epoch
        # dropout: each process has its own
        torch.manual_seed(generator_for(schedule.seed, "dropout", epoch, step, self.world.rank).initial_seed())
        total = schedule.epochs * self.steps_per_epoch
        rate = learning_rate(epoch * self.steps_per_epoch + step, total, schedule)
        set_learning_rate(optimizer, rate)
        optimizer.zero_grad(set_to_none=True)
        where = f"epoch {epoch + 1}, step {step + 1}"
        losses = self._losses(draw, views, where)
        scaler.unscale_(optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self.state.model.parameters(), schedule.clip).item()
        if norm * 0 != 0 and not scaler.is_enabled():  # the scaler skips such a step and scales less in the next
            raise self._astray(f"the gradient's norm is {norm}", where, losses, draw.ids)
        scaler.step(optimizer)
        scaler.update()
        self.state.average.update()
        return StepTaken(epoch, step, losses, rate, norm)

    def _losses(self, draw: Draw, views: Iterator[View], where: str) -> dict[str, float]:
        """Of the whole batch; leaves its gradient in the parameters."""
        objectives = self.recipe.objectives
        shares = torch.zeros(self._step.pieces, len(objectives), device=self._step.device)
        rounds = self.recipe.schedule.accumulate
        for round_ in range(rounds):
            more = round_ + 1 < rounds and isinstance(self._shared_step, DistributedDataParallel)
            with self._shared_step.no_sync() if more else nullcontext():  # type: ignore[operator]
                total, shares[self._step.piece(round_)] = self._shared_step(draw, round_, next(views))
                # gradients are averaged over the processes, whose shares are to be summed
                self.state.scaler.scale(total * self.world.size).backward()
        shares = self.world.total(shares).cpu()
        losses = dict(zip(objectives, shares.sum(0).tolist(), strict=True))
        astray = [piece for piece, share in enumerate(shares) if not share.isfinite().all()]
        if astray:
            ids = torch.cat([draw.ids[self._step.rows(draw, piece)] for piece in astray])
            total_loss = sum(weight * losses[name] for name, weight in objectives.items())
            raise self._astray(f"loss is {total_loss}", where, losses, ids)
        return losses

    def _astray(self, what: str, where: str, losses: Mapping[str, float], ids: torch.Tensor) -> NonFiniteLoss:
        files = ", ".join(self.training.triplets.pictures[i].name for i in ids.tolist())
        return NonFiniteLoss(
            f"{what} in {where} ({dict(losses)}); pictures: {files}: lower the learning rate or check these pictures"
        )
