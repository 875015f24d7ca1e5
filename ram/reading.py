"""Many pictures read by worker processes ahead of the model: in order, with the faults in their places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch.utils.data import DataLoader, Dataset

from ram.image import EvalTransform, PictureError, open_picture

WORTHWHILE = 8
"""Pictures for each worker process from which starting it pays."""


def worker_count(pictures: int, cores: int) -> int:
    """Processes that should read so many pictures: one core is the model's, and few pictures need none."""
    return max(0, min(cores - 1, pictures // WORTHWHILE))


def read_pixels(
    pictures: Sequence[Path], transform: EvalTransform, workers: int
) -> Iterator[torch.Tensor | PictureError]:
    """(3, size, size) pixels of each picture, or why it cannot be used; without workers, read when asked for."""
    own = torch.Generator()  # else it draws from the one that everything else draws from
    for read in DataLoader(_Pixels(pictures, transform), batch_size=None, num_workers=workers, generator=own):
        yield PictureError(read) if isinstance(read, str) else read


class _Pixels(Dataset["torch.Tensor | str"]):
    """A fault is a sentence here: an exception would bring the worker's stack with it."""

    def __init__(self, pictures: Sequence[Path], transform: EvalTransform) -> None:
        self._pictures, self._transform = pictures, transform

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> torch.Tensor | str:
        try:
            return self._transform(open_picture(self._pictures[index]))
        except PictureError as error:
            return str(error)
