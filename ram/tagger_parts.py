"""Copy a network for evaluation, and make parts of a tagger only once."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import nn

from ram.models.ram import TaggingModel

_T = TypeVar("_T")


def copy_for_evaluation(model: TaggingModel, device: torch.device, dtype: torch.dtype) -> TaggingModel:
    """A copy of a model in evaluation mode whose weights need no gradient; those that need not move are shared."""
    memo: dict[int, torch.Tensor] = {}
    for parameter in model.parameters():
        memo[id(parameter)] = nn.Parameter(parameter.detach().to(device, dtype), requires_grad=False)
    for buffer in model.buffers():
        memo[id(buffer)] = buffer.to(device, dtype if buffer.is_floating_point() else None)
    return copy.deepcopy(model, memo).eval()


class Once(Generic[_T]):
    """Call a factory at most once, whichever thread comes first; a failure may be tried again."""

    def __init__(self, make: Callable[[], _T]) -> None:
        self.make = make
        self._lock = threading.Lock()
        self._made: list[_T] = []

    def __call__(self) -> _T:
        with self._lock:
            if not self._made:
                self._made.append(self.make())
            return self._made[0]
