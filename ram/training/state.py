"""The state of a run in one safetensors file: a kill while it is written leaves the old state or the new one."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from ram.errors import InputError
from ram.models.ram import TaggingModel
from ram.runtime import atomic_write
from ram.training.sharding import ShardedModel, as_part_of, whole_on_cpu


@dataclass(frozen=True)
class Position:
    """Progress of a run. All random draws follow from it, so that generators need not be saved.

    Args:
        epoch: whole epochs done.
        step: steps done in the next one.
        steps: steps in an epoch.
        losses: sums over the steps of the epoch, by objective.
        seconds: time spent so far.
        log: bytes of the learning curve that belong to it.
    """

    epoch: int = 0
    step: int = 0
    steps: int = 0
    losses: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    log: int = 0


class RunningAverage:
    """Exponential average of the trained parameters, with a short memory in the first steps.

    Args:
        model: its parameters that require gradients are averaged.
        decay: fraction kept at each step; 0 follows the last weights.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self._decay = decay
        self.steps = 0
        self.weights = {name: p.detach().clone() for name, p in self._parameters.items()}

    @torch.no_grad()
    def update(self) -> None:
        """Include the weights after an optimizer step."""
        self.steps += 1
        decay = min(self._decay, self.steps / (self.steps + 10)) if self._decay else 0.0
        for name, parameter in self._parameters.items():
            self.weights[name].lerp_(parameter, 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Give the model the average weights inside the block, and its own after it."""
        own = {name: p.detach().clone() for name, p in self._parameters.items()}
        self._fill(self.weights)
        try:
            yield
        finally:
            self._fill(own)

    @torch.no_grad()
    def _fill(self, weights: dict[str, torch.Tensor]) -> None:
        for name, parameter in self._parameters.items():
            parameter.copy_(weights[name])


@dataclass(frozen=True, eq=False)
class TrainingState:
    """Everything that a step changes.

    The file does not tell whether the model was sharded, and among how many processes.

    Args:
        model: what learns.
        average, optimizer, scaler: of its parameters.
        sharded: where the model is divided among processes, which then call every method alike.
        copy: a whole model in the first process of a sharded one.
    """

    model: TaggingModel
    average: RunningAverage
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    sharded: ShardedModel | None = None
    copy: TaggingModel | None = None

    @contextmanager
    def averaged(self) -> Iterator[TaggingModel | None]:
        """Yield the model with the average weights; of a sharded one the copy, None in all but the first process."""
        with self.average.applied():
            if self.sharded is None:
                yield self.model
                return
            weights = whole_on_cpu(self.model.state_dict(), self.copy is not None)
        if self.copy is not None:
            self.copy.load_state_dict(weights)
        yield self.copy

    def save(self, path: Path, position: Position, first: bool = True) -> None:
        """Replace the file by the present state; ``first`` in the process that writes it."""
        state = {f"model/{name}": tensor for name, tensor in self.model.state_dict().items()}
        state |= {f"average/{name}": tensor for name, tensor in self.average.weights.items()}
        for index, moments in self.optimizer.state_dict()["state"].items():
            state |= {f"optimizer/{index}/{name}": torch.as_tensor(moment) for name, moment in moments.items()}
        values = {
            "position": dataclasses.asdict(position),
            "averaged": self.average.steps,
            "scaler": self.scaler.state_dict(),
        }
        tensors = whole_on_cpu(state, wanted=first) if first or self.sharded is not None else {}
        if not first:
            return
        with atomic_write(path, sync=True) as temporary:
            save_file(tensors, temporary, metadata={"numbers": json.dumps(values)})

    def load(self, path: Path, steps: int) -> Position:
        """Restore the state of a run whose epochs have ``steps`` steps.

        Raises:
            InputError: the file is broken or belongs to another recipe.
        """
        try:
            with safe_open(path, "pt") as file:
                values = json.loads((file.metadata() or {})["numbers"])
                state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no mapping)
            position = Position(**values["position"])
            if position.step and position.steps != steps:
                raise ValueError(f"its epochs have {position.steps} steps, not {steps}")
            self._fill(state)
            self.average.steps = int(values["averaged"])
            self.scaler.load_state_dict(values["scaler"])
        except (SafetensorError, KeyError, RuntimeError, TypeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"{path.name} does not continue this recipe ({reason}): choose another --output") from None
        return position

    def _fill(self, state: Mapping[str, torch.Tensor]) -> None:
        own = self.model.state_dict()
        weights = {name.removeprefix("model/"): t for name, t in state.items() if name.startswith("model/")}
        self.model.load_state_dict({n: as_part_of(t, own[n]) if n in own else t for n, t in weights.items()})
        for name, tensor in self.average.weights.items():
            tensor.copy_(as_part_of(state[f"average/{name}"], tensor))
        parameters = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in state.items():
            if name.startswith("optimizer/"):
                _, index, key = name.split("/")
                if tensor.ndim:  # not a number of steps
                    tensor = as_part_of(tensor, parameters[int(index)])
                moments.setdefault(int(index), {})[key] = tensor
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": moments})
