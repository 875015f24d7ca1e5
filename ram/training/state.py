"""The state of an interrupted run in one safetensors file, written so that a kill leaves the old or the new one."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from ram.training.average import RunningAverage


def save_state(
    path: Path, model: nn.Module, average: RunningAverage, optimizer: torch.optim.Optimizer, epoch: int
) -> None:
    """Write all that the next epoch depends on: weights, their average, the optimizer's moments and the position."""
    state = {f"model/{name}": tensor for name, tensor in model.state_dict().items()}
    state |= {f"average/{name}": tensor for name, tensor in average.weights.items()}
    for index, moments in optimizer.state_dict()["state"].items():
        state |= {f"optimizer/{index}/{name}": torch.as_tensor(value) for name, value in moments.items()}
    state["position"] = torch.tensor([epoch, average.steps])
    partial = path.with_suffix(".partial")
    # clones: safetensors refuses tensors that share memory
    save_file({name: tensor.detach().cpu().clone().contiguous() for name, tensor in state.items()}, partial)
    partial.replace(path)


def load_state(path: Path, model: nn.Module, average: RunningAverage, optimizer: torch.optim.Optimizer) -> int:
    """Put everything back; returns the number of epochs done.

    Raises:
        ValueError: the file is broken or belongs to another recipe.
    """
    try:
        state = load_file(path)
        model.load_state_dict({n.removeprefix("model/"): t for n, t in state.items() if n.startswith("model/")})
        for name, tensor in average.weights.items():
            tensor.copy_(state[f"average/{name}"])
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in state.items():
            if name.startswith("optimizer/"):
                _, index, key = name.split("/")
                moments.setdefault(int(index), {})[key] = tensor
        optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
        epoch, average.steps = state["position"].tolist()
    except (SafetensorError, KeyError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path.name} does not continue this recipe ({reason}): choose another --output") from None
    return int(epoch)
