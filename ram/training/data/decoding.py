"""Training pictures opened by worker processes: checked once before a run, then read ahead of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from ram.errors import ImageError
from ram.images.opening import TrainTransform, open_image
from ram.training.data.shards import ShardPicture


def open_training_picture(picture: Path | ShardPicture) -> Image.Image:
    """A picture in a file of its own or in a shard, as RGB.

    Raises:
        ImageError: see :func:`ram.images.opening.open_image`.
    """
    if isinstance(picture, Path):
        return open_image(picture)
    try:
        content = picture.open()
    except OSError as error:
        reason = error.strerror or error
        raise ImageError(f"{picture.name} of {picture.shard.name} cannot be read: {reason}") from None
    return open_image(content)


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


def read_ahead(
    pictures: Sequence[Path | ShardPicture],
    requests: Iterable[tuple[torch.Tensor, torch.Tensor]],
    transforms: Sequence[TrainTransform],
    workers: int,
) -> Iterator[tuple[torch.Tensor, ...]]:
    """Random crops of pictures, a few requests ahead of whoever takes them.

    What a crop shows depends on its picture and seed alone, not on the workers. All transforms see the same crop.

    Args:
        pictures: all of them.
        requests: positions (n,) of some pictures and the seed of each crop (n,); taken as the workers need them.
        transforms: one for each size and statistics that the crop is wanted in.
        workers: processes; 0 opens the pictures when they are asked for.

    Yields:
        For each request (n, 3, size, size) pixels by each transform.

    Raises:
        ImageError: a picture cannot be opened any more.
    """
    keys = (list(zip(ids.tolist(), seeds.tolist(), strict=True)) for ids, seeds in requests)
    crops = _Crops(pictures, transforms)
    own = torch.Generator()
    for read in DataLoader(crops, batch_sampler=keys, num_workers=workers, collate_fn=_stack, generator=own):
        if isinstance(read, str):
            raise ImageError(f"{read}; it could be read when the run began")
        yield read


class _Crops(Dataset[Any]):
    def __init__(self, pictures: Sequence[Path | ShardPicture], transforms: Sequence[TrainTransform]) -> None:
        self._pictures, self._transforms = pictures, transforms

    def __getitem__(self, key: tuple[int, int]) -> tuple[torch.Tensor, ...] | str:
        index, seed = key
        try:
            picture = open_training_picture(self._pictures[index])
        except ImageError as error:
            return str(error)
        return tuple(see(picture, torch.Generator().manual_seed(seed)) for see in self._transforms)


def _stack(crops: list[tuple[torch.Tensor, ...] | str]) -> tuple[torch.Tensor, ...] | str:
    """One tensor a transform, or the first fault: an exception would bring the worker's stack with it."""
    faults = [crop for crop in crops if isinstance(crop, str)]
    return faults[0] if faults else tuple(torch.stack(same) for same in zip(*crops, strict=True))


class _Faults(Dataset[str | None]):
    def __init__(self, pictures: Sequence[Path | ShardPicture]) -> None:
        self._pictures = pictures

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> str | None:
        try:
            open_training_picture(self._pictures[index])
        except ImageError as error:
            return str(error)
        return None
