"""Training pictures opened by worker processes: checked once before a run, then read ahead of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from ram.image import PictureError, open_picture
from ram.training.shards import ShardPicture


def open_training_picture(picture: Path | ShardPicture) -> Image.Image:
    """A picture in a file of its own or in a shard, as RGB.

    Raises:
        PictureError: see :func:`ram.image.open_picture`.
    """
    return open_picture(picture if isinstance(picture, Path) else picture.open())


def find_faults(
    pictures: Sequence[Path | ShardPicture], workers: int, progress: Callable[[int, int], None], chunk: int = 64
) -> list[str | None]:
    """Why each picture cannot be used, or None where it can.

    All of it is decoded: a header says nothing of what was cut off behind it. Done once before a run, so that every
    epoch, every process and every resumed run has the same pictures.
    """
    faults: list[str | None] = []
    own = torch.Generator()  # else it draws from the one that everything else draws from
    for part in DataLoader(_Faults(pictures), chunk, num_workers=workers, collate_fn=list, generator=own):
        faults += part
        progress(len(faults), len(pictures))
    return faults


class _Faults(Dataset[str | None]):
    def __init__(self, pictures: Sequence[Path | ShardPicture]) -> None:
        self._pictures = pictures

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> str | None:
        try:
            open_training_picture(self._pictures[index])
        except PictureError as error:
            return str(error)
        return None
