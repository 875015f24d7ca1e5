"""A cache of what a frozen backbone sees in every training picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock

from ram.images.reading import read_ahead
from ram.images.transforms import EvalTransform, TrainTransform
from ram.training.data.decoding import open_training_picture
from ram.training.data.shards import ShardPicture


def channel_statistics(parts: Iterable[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of each channel over parts of (n, patches, channels), two of (channels,)."""
    total = squares = torch.zeros(())
    count = 0
    for part in parts:
        part = part.double().flatten(0, 1)
        total, squares, count = total + part.sum(0), squares + part.square().sum(0), count + len(part)
    mean = total / count
    std = (squares / count - mean.square()).clamp(min=1e-8).sqrt()
    return mean.float(), std.float()


class PatchCache:
    """Backbone patches of every picture in several views, kept in one 16-bit file on disk.

    View 0 is the picture as evaluation sees it, the others are random crops. A frozen backbone gives the same patches
    in every epoch, so it runs once a view.

    Args:
        path: the ``.npy`` file, (views, pictures, patches, channels); made by :meth:`fill` if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._patches = np.load(path, mmap_mode="r")

    @property
    def shape(self) -> tuple[int, ...]:
        """(views, pictures, patches, channels)."""
        return self._patches.shape

    def batch(self, ids: torch.Tensor, views: torch.Tensor) -> torch.Tensor:
        """(n,) picture positions and views to (n, patches, channels) float32."""
        return torch.from_numpy(self._patches[views.numpy(), ids.numpy()]).float()

    def statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation of each channel over view 0, two of (channels,)."""
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
        """Open ``path``, or make it: ``encode`` maps (n, 3, size, size) to (n, patches, channels).

        An interrupted run leaves no file under ``path``. Of several runs that need it, one makes it and the others
        wait.
        """
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_suffix(".lock")):
                if not path.is_file():
                    _write(path, pictures, encode, transforms, views, progress, batch)
        cache = cls(path)
        if cache.shape[:2] != (views, len(pictures)):
            raise ValueError(
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
    partial, stored = path.with_suffix(".partial"), None
    done, total = 0, views * len(pictures)
    for view, start, pixels in _views(pictures, transforms, views, batch):
        patches = encode(pixels).to(torch.float16).numpy()
        if stored is None:
            shape = (views, len(pictures), *patches.shape[1:])
            stored = np.lib.format.open_memmap(partial, "w+", dtype=np.float16, shape=shape)
        stored[view, start : start + len(patches)] = patches
        done += len(patches)
        progress(done, total)
    if stored is not None:
        stored.flush()
    partial.replace(path)


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
