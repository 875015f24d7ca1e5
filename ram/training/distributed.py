"""Distributed training: processes that train as one, each with its part of every batch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import distributed, nn
from torch.distributed.nn.functional import all_gather
from torch.nn.parallel import DistributedDataParallel

from ram.errors import TrainingError

_PATIENCE = timedelta(days=2)
"""Time that processes wait for the first one, which may be checking millions of images."""


class OtherProcessFailed(TrainingError):
    """The first process failed and has reported why."""


@dataclass(frozen=True)
class World:
    """The processes of a run and the rank of this one; a single process by default."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def total(self, tensor: torch.Tensor) -> torch.Tensor:
        """Sum a tensor over the processes, without gradient."""
        if self.size > 1:
            distributed.all_reduce(tensor)
        return tensor

    def gather(self, tensor: torch.Tensor) -> torch.Tensor:
        """Concatenate (n, ...) of each process to (processes * n, ...) in rank order, with gradient to each process."""
        return torch.cat(all_gather(tensor.contiguous())) if self.size > 1 else tensor

    def wrap(self, module: nn.Module) -> nn.Module:
        """Return the module with its gradients averaged over the processes."""
        if self.size == 1:
            return module
        # some objectives leave parameters without gradient; buffers never change, so none are sent
        return DistributedDataParallel(module, broadcast_buffers=False, find_unused_parameters=True)

    def first_says(self, value: bool) -> bool:
        """Return the value of the first process."""
        return bool(self.total(torch.tensor(float(value and self.first), device=_device())).item())

    def wait(self) -> None:
        """Wait until all processes are here."""
        self.total(torch.zeros(1, device=_device()))

    @contextmanager
    def first_alone(self) -> Iterator[None]:
        """Let the first process run the block, then the others, which find its files on the disk."""
        if not self.first and self.total(torch.zeros(1, device=_device())).item():
            raise OtherProcessFailed("the first process failed: see its message")
        failed = 1.0
        try:
            yield
            failed = 0.0
        finally:
            if self.first:
                self.total(torch.full((1,), failed, device=_device()))


@contextmanager
def join_world(device: torch.device) -> Iterator[tuple[World, torch.device]]:
    """Join the processes that ``torchrun`` started, or run alone; yield them and the device of this one.

    All processes make the same random draws; see :class:`ram.training.draws.Draw`.
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
