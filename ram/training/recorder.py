"""Drive a run to its end, and write its learning curve and its state from the first process."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ram.evaluation.metrics import mean_average_precision
from ram.runtime import Progress
from ram.training.data.training_set import TrainingSet
from ram.training.finishing import held_out_logits
from ram.training.log import LearningCurve
from ram.training.state import Position

if TYPE_CHECKING:
    from ram.training.loop import Learner

_log = logging.getLogger("ram.training.loop")


@dataclass(frozen=True, eq=False)
class Recorder:
    """Runs a process; all save together, since each may hold a part of the state.

    Args:
        learner: takes the steps.
        state_file: where the first process saves the state.
        curve: of the first process; None in the others.
        dev: what the first process scores after every epoch, if anything.
        progress: called by the first process.
    """

    learner: Learner
    state_file: Path
    curve: LearningCurve | None
    dev: TrainingSet | None
    progress: Progress

    def run(self, position: Position) -> None:
        """Train to the end; log every few steps and every epoch, save every few minutes and every epoch."""
        schedule, steps, world = self.learner.recipe.schedule, self.learner.steps_per_epoch, self.learner.world
        sums = dict(position.losses)
        saved = logged = time.monotonic()
        began, unlogged = saved - position.seconds, 0
        for result in self.learner.steps(position):
            done, all_done = result.step + 1, result.epoch * steps + result.step + 1
            for name, loss in result.losses.items():
                sums[name] = sums.get(name, 0.0) + loss
            unlogged += 1
            now = time.monotonic()
            if self.curve is not None:
                if all_done % schedule.log_every == 0:
                    self.curve.add(
                        all_done,
                        step=all_done,
                        epoch=result.epoch + 1,
                        **result.losses,
                        learning_rate=result.learning_rate,
                        gradient_norm=result.gradient_norm,
                        pictures_per_second=unlogged * self.learner.batch / (now - logged),
                    )
                    logged, unlogged = now, 0
                self.progress(f"epoch {result.epoch + 1} of {schedule.epochs}", done, steps)
            if done == steps:
                means = {name: round(total / steps, 4) for name, total in sums.items()}
                self._end_epoch(result.epoch + 1, means, now - began)
                sums = {}
            elif not self._due(now - saved >= 60 * schedule.save_minutes):
                continue
            epoch, step = divmod(all_done, steps)
            seconds, length = time.monotonic() - began, 0 if self.curve is None else self.curve.length()
            self.learner.state.save(
                self.state_file, Position(epoch, step, steps, sums, seconds, length), world.first
            )
            saved = time.monotonic()

    def _due(self, due: bool) -> bool:
        """Whether to save now: the same in all processes where each has a part of what is saved."""
        return due if self.learner.state.sharded is None else self.learner.world.first_says(due)

    def _end_epoch(self, epoch: int, losses: dict[str, float], seconds: float) -> None:
        record: dict[str, Any] = {"epoch": epoch, **losses, "seconds": round(seconds, 1)}
        with self.learner.state.averaged() as model:
            if self.dev is not None and model is not None:
                scores = held_out_logits(model.eval(), self.dev, self.learner.batch).sigmoid().numpy()
                record["dev_mAP"] = round(mean_average_precision(scores, self.dev.triplets.targets[:].numpy()), 4)
        if self.curve is not None:
            _log.info("%s", record)
            self.curve.add(epoch * self.learner.steps_per_epoch, **record)
