"""Cache a frozen backbone's patches of every training image on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock

from ram.errors import InputError
from ram.images.reading import read_ahead
from ram.images.transforms import EvalTransform, TrainTransform
from ram.runtime import atomic_write
from ram.training.data.decoding import open_training_picture
from ram.training.data.shards import ShardPicture


def channel_statistics(parts: Iterable[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and deviation (channels,) of each channel over parts of (images, patches, channels)."""
    total = squares = torch.zeros(())
    count = 0
    for part in parts:
        part = part.double().flatten(0, 1)
        total, squares, count = total + part.sum(0), squares + part.square().sum(0), count + len(part)
    mean = total / count
    std = (squares / count - mean.square()).clamp(min=1e-8).sqrt()
    return mean.float(), std.float()


class PatchCache:
    """Backbone patches of every image in several views, in one 16-bit file.

    View 0 is the image as in evaluation, the others are random crops. A frozen backbone gives the same patches in
    every epoch, so that it runs once per view.

    Args:
        path: the ``.npy`` file of (views, images, patches, channels); :meth:`fill` makes it.
    """

    def __init__(self, path: Path) -> None:
        self._patches = np.load(path, mmap_mode="r")

    @property
    def shape(self) -> tuple[int, ...]:
        """(views, images, patches, channels)."""
        return self._patches.shape

    def batch(self, ids: torch.Tensor, views: torch.Tensor) -> torch.Tensor:
        """Return (batch, patches, channels) float32 of images (batch,) in views (batch,)."""
        return torch.from_numpy(self._patches[views.numpy(), ids.numpy()]).float()

    def statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and deviation (channels,) of each channel over view 0."""
        starts = range(0, self.shape[1], 256)
        return channel_statistics(torch.from_numpy(np.array(self._patches[0, start : start + 256])) for start in starts)

    @classmethod
    def fill(
        cls,
        path: Path,
        pictures: Sequence[Path | ShardPicture],
        encode: Callable[[torch.Tensor], torch.Tensor],
        transforms: tuple[EvalTransform, TrainTransform],
        views: int,
        progress: Callable[[int, int], None],
        batch: int = 32,
    ) -> PatchCache:
        """Open ``path``, or make it.

        An interrupted run leaves no file under ``path``. If several runs need it, one makes it and the others wait.

        Args:
            path: the file.
            pictures: all images.
            encode: maps (batch, 3, size, size) pixels to (batch, patches, channels).
            transforms: of view 0 and of the other views.
            views: their number.
            progress: called with the views done so far and their total.
            batch: images encoded together.

        Raises:
            ImageError: an image cannot be read.
            InputError: the file holds other views or images.
        """
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_suffix(".lock")):
                if not path.is_file():
                    _write(path, pictures, encode, transforms, views, progress, batch)
        cache = cls(path)
        if cache.shape[:2] != (views, len(pictures)):
            raise InputError(
                f"{path.name} holds {cache.shape[0]} views of {cache.shape[1]} pictures, not {views} of "
                f"{len(pictures)}: delete it to make it again"
            )
        return cache


def _write(
    path: Path,
    pictures: Sequence[Path | ShardPicture],
    encode: Callable[[torch.Tensor], torch.Tensor],
    transforms: tuple[EvalTransform, TrainTransform],
    views: int,
    progress: Callable[[int, int], None],
    batch: int,
) -> None:
    for left_by_a_kill in path.parent.glob(f".{path.name}.*.partial"):  # gigabytes; the lock keeps others from here
        left_by_a_kill.unlink()
    stored, done, total = None, 0, views * len(pictures)
    with atomic_write(path) as temporary:
        for view, start, pixels in _views(pictures, transforms, views, batch):
            patches = encode(pixels).to(torch.float16).numpy()
            if stored is None:
                shape = (views, len(pictures), *patches.shape[1:])
                stored = np.lib.format.open_memmap(temporary, "w+", dtype=np.float16, shape=shape)
            stored[view, start : start + len(patches)] = patches
            done += len(patches)
            progress(done, total)
        if stored is not None:
            stored.flush()


def _views(
    pictures: Sequence[Path | ShardPicture], transforms: tuple[EvalTransform, TrainTransform], views: int, batch: int
) -> Iterator[tuple[int, int, torch.Tensor]]:
    """Yield view, index of the first image, and (batch, 3, size, size) pixels of every batch, read ahead."""
    evaluation, training = transforms

    def read(request: tuple[int, int]) -> tuple[int, int, torch.Tensor]:
        view, start = request
        opened = [open_training_picture(p) for p in pictures[start : start + batch]]
        if view == 0:
            return view, start, torch.stack([evaluation(p) for p in opened])
        seeds = [torch.Generator().manual_seed(view * len(pictures) + start + i) for i in range(len(opened))]
        return view, start, torch.stack([training(p, g) for p, g in zip(opened, seeds, strict=True)])

    return read_ahead(read, product(range(views), range(0, len(pictures), batch)))
