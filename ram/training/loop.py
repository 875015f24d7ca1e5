"""The training loop: a recipe in, a model folder out, by one process or many; killed at any moment, it goes on."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ram.checkpoints.model_folder import save_model
from ram.evaluation.metrics import mean_average_precision
from ram.runtime import Progress, quiet
from ram.training.average import RunningAverage
from ram.training.data.training_set import TrainingSet, read_dev_set, read_training_set
from ram.training.distributed import World
from ram.training.finishing import calibrate_model, held_out_logits
from ram.training.initial import initial_model, set_familiar, set_novelty, set_statistics
from ram.training.learner import Learner
from ram.training.log import LearningCurve
from ram.training.recipe import Recipe
from ram.training.schedule import make_optimizer
from ram.training.state import Position, TrainingState

_log = logging.getLogger(__name__)


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
        cache: folder for what is computed once and serves other runs too: patches and embedded captions; ``output``
            where None.
        resume: go on from the last state in ``output``, or begin where there is none.
        device: where this process trains.
        world: the processes that train together; all call this function alike, and the first one writes.
        progress: told how far it is.

    Returns:
        The model folder, ready for :func:`ram.load`.

    Raises:
        ValueError: data cannot be read, the schedule does not fit the device or the processes, or ``output`` already
            holds a run and ``resume`` was not asked for.
        NonFiniteLoss: a loss is infinite or not a number.
    """
    schedule, device = recipe.schedule, torch.device(device)
    state_file, folder = output / "state.safetensors", output / "model"
    if (state_file.is_file() or folder.exists()) and not resume:
        raise ValueError(f"{output.name!r} already holds a run: go on with --resume, or choose another --output")
    if schedule.precision == "float16" and device.type != "cuda":
        raise ValueError("schedule.precision is 'float16', which needs a GPU: take 'bfloat16' or 'float32' elsewhere")
    schedule.pieces(world.size)  # before hours of reading
    output.mkdir(parents=True, exist_ok=True)
    model = initial_model(recipe, data).to(device)
    with world.first_alone():  # it leaves caches to the others
        training = read_training_set(recipe, data, output, cache or output, model.image_encoder, progress)
    average = RunningAverage(model, schedule.average)
    scaler = torch.amp.GradScaler(device.type, enabled=schedule.precision == "float16")
    state = TrainingState(model, average, make_optimizer(model, schedule), scaler)
    learner = Learner(recipe, training, state, world)
    position = Position()
    first = not recipe.initialize  # the weights of another model are made for statistics of their own
    if state_file.is_file():
        position = state.load(state_file, learner.steps_per_epoch)
    else:
        if first:
            set_statistics(model, training)
        set_familiar(model, training, first)
    if world.first:
        dev = read_dev_set(recipe, data, output, cache or output, training, model.image_encoder, progress)
        with LearningCurve(output, position.log, position.epoch * learner.steps_per_epoch + position.step) as curve:
            _Record(learner, state_file, curve, dev, progress).follow(position)
        with average.applied():
            if first:
                set_novelty(model, training, training if dev is None else dev, schedule.batch)
            bank = training.bank if dev is None else calibrate_model(model, dev, schedule.batch)
            save_model(folder, recipe.model, model, bank, half=True)
    else:
        for _ in learner.steps(position):
            pass
    world.wait()
    return folder


@dataclass(frozen=True, eq=False)
class _Record:
    """What the first process writes down while all learn."""

    learner: Learner
    state_file: Path
    curve: LearningCurve
    dev: TrainingSet | None
    progress: Progress

    def follow(self, position: Position) -> None:
        """To the end, with a line every few steps and every epoch, and a state every few minutes and every epoch."""
        schedule, steps = self.learner.recipe.schedule, self.learner.steps_per_epoch
        sums = dict(position.losses)
        saved = logged = time.monotonic()
        began, unlogged = saved - position.seconds, 0
        for taken in self.learner.steps(position):
            done, all_done = taken.step + 1, taken.epoch * steps + taken.step + 1
            for name, loss in taken.losses.items():
                sums[name] = sums.get(name, 0.0) + loss
            unlogged += 1
            now = time.monotonic()
            if all_done % schedule.log_every == 0:
                self.curve.add(
                    all_done,
                    step=all_done,
                    epoch=taken.epoch + 1,
                    **taken.losses,
                    learning_rate=taken.learning_rate,
                    gradient_norm=taken.gradient_norm,
                    pictures_per_second=unlogged * self.learner.batch / (now - logged),
                )
                logged, unlogged = now, 0
            self.progress(f"epoch {taken.epoch + 1} of {schedule.epochs}", done, steps)
            if done == steps:
                means = {name: round(total / steps, 4) for name, total in sums.items()}
                self._end_epoch(taken.epoch + 1, means, now - began)
                sums = {}
            elif now - saved < 60 * schedule.save_minutes:
                continue
            whole, rest = divmod(all_done, steps)
            now = time.monotonic()
            self.learner.state.save(
                self.state_file, Position(whole, rest, steps, sums, now - began, self.curve.length())
            )
            saved = time.monotonic()

    def _end_epoch(self, epoch: int, losses: dict[str, float], seconds: float) -> None:
        record: dict[str, Any] = {"epoch": epoch, **losses, "seconds": round(seconds, 1)}
        if self.dev is not None:
            model = self.learner.state.model.eval()
            with self.learner.state.average.applied():
                scores = held_out_logits(model, self.dev, self.learner.batch).sigmoid().numpy()
            record["dev_mAP"] = round(mean_average_precision(scores, self.dev.triplets.targets[:].numpy()), 4)
        _log.info("%s", record)
        self.curve.add(epoch * self.learner.steps_per_epoch, **record)
