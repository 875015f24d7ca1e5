"""Several processes that train as one, each with its part of every batch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ram.errors import TrainingError

_PATIENCE = timedelta(days=2)
"""How long processes wait for the first one, which may be looking at millions of pictures."""


class OtherProcessFailed(TrainingError):
    """The first process stopped and has said why."""


@dataclass(frozen=True)
class World:
    """The processes of a run and this one's place among them; alone unless told otherwise."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Does this process write the files?"""
        return self.rank == 0

    def total(self, tensor: torch.Tensor) -> torch.Tensor:
        """Sum over the processes, without a gradient."""
        if self.size > 1:
            distributed.all_reduce(tensor)
        return tensor

    def gather(self, tensor: torch.Tensor) -> torch.Tensor:
        """(n, ...) of each process to (processes * n, ...), in their order, with gradients back to each."""
        return _Gather.apply(tensor) if self.size > 1 else tensor

    def wrap(self, module: nn.Module) -> nn.Module:
        """The module, its gradients averaged over the processes."""
        if self.size == 1:
            return module
        # what some objective leaves out has no gradient; statistics never change, so there is no buffer to send
        return DistributedDataParallel(module, broadcast_buffers=False, find_unused_parameters=True)

    def wait(self) -> None:
        """Until all are here."""
        self.total(torch.zeros(1, device=_device()))

    @contextmanager
    def first_alone(self) -> Iterator[None]:
        """The first process goes through the block, then the others, which find what it left on the disk."""
        if not self.first and self.total(torch.zeros(1, device=_device())).item():
            raise OtherProcessFailed("the first process failed: see what it said")
        failed = 1.0
        try:
            yield
            failed = 0.0
        finally:
            if self.first:
                self.total(torch.full((1,), failed, device=_device()))


@contextmanager
def join_world(device: torch.device) -> Iterator[tuple[World, torch.device]]:
    """The processes that ``torchrun`` started, or this one alone, and the device that is this one's.

    Everything is drawn alike in all of them; see :class:`ram.training.step.Draw`.
    """
    if "RANK" not in os.environ:
        yield World(), device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_PATIENCE)
    try:
        yield World(distributed.get_rank(), distributed.get_world_size()), device
    finally:
        distributed.destroy_process_group()


def _device() -> torch.device:
    return torch.device("cuda" if distributed.is_initialized() and distributed.get_backend() == "nccl" else "cpu")


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, tensor: torch.Tensor) -> torch.Tensor:
        parts = [torch.empty_like(tensor) for _ in range(distributed.get_world_size())]
        distributed.all_gather(parts, tensor.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> torch.Tensor:
        gradient = gradient.contiguous()
        distributed.all_reduce(gradient)
        return gradient.chunk(distributed.get_world_size())[distributed.get_rank()]
