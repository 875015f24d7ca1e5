"""The state of a run in one safetensors file, written so that a kill at any moment leaves the old or the new one."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ram.models.ram import TaggingModel
from ram.training.average import RunningAverage


@dataclass(frozen=True)
class Position:
    """How far a run is. All randomness follows from it, so that it stands for the states of generators too.

    Args:
        epoch: whole epochs done.
        step: steps done in the next one.
        steps: in an epoch.
        losses: sums over the steps of the epoch, by objective.
        seconds: spent so far.
        log: bytes of the learning curve that belong to it.
    """

    epoch: int = 0
    step: int = 0
    steps: int = 0
    losses: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    log: int = 0


@dataclass(frozen=True, eq=False)
class TrainingState:
    """All that a step changes."""

    model: TaggingModel
    average: RunningAverage
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler

    def save(self, path: Path, position: Position) -> None:
        """Replace the file by what the next step depends on."""
        state = {f"model/{name}": tensor for name, tensor in self.model.state_dict().items()}
        state |= {f"average/{name}": tensor for name, tensor in self.average.weights.items()}
        for index, moments in self.optimizer.state_dict()["state"].items():
            state |= {f"optimizer/{index}/{name}": torch.as_tensor(value) for name, value in moments.items()}
        numbers = {
            "position": dataclasses.asdict(position),
            "averaged": self.average.steps,
            "scaler": self.scaler.state_dict(),
        }
        partial = path.with_suffix(".partial")
        # clones: safetensors refuses tensors that share memory
        tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in state.items()}
        save_file(tensors, partial, metadata={"numbers": json.dumps(numbers)})
        _sync(partial)
        partial.replace(path)
        _sync(path.parent)

    def load(self, path: Path, steps: int) -> Position:
        """Put everything back into the parts of a run whose epochs have ``steps`` steps.

        Raises:
            ValueError: the file is broken or belongs to another recipe.
        """
        try:
            with safe_open(path, "pt") as file:
                numbers = json.loads((file.metadata() or {})["numbers"])
                state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no mapping)
            position = Position(**numbers["position"])
            if position.step and position.steps != steps:
                raise ValueError(f"its epochs have {position.steps} steps, not {steps}")
            self._fill(state)
            self.average.steps = int(numbers["averaged"])
            self.scaler.load_state_dict(numbers["scaler"])
        except (SafetensorError, KeyError, RuntimeError, TypeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(f"{path.name} does not continue this recipe ({reason}): choose another --output") from None
        return position

    def _fill(self, state: Mapping[str, torch.Tensor]) -> None:
        self.model.load_state_dict({n.removeprefix("model/"): t for n, t in state.items() if n.startswith("model/")})
        for name, tensor in self.average.weights.items():
            tensor.copy_(state[f"average/{name}"])
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in state.items():
            if name.startswith("optimizer/"):
                _, index, key = name.split("/")
                moments.setdefault(int(index), {})[key] = tensor
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": moments})


def _sync(path: Path) -> None:
    """Wait until the disk has a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
