"""Open training images: check all of them once before a run, then read random crops ahead of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import torch
from PIL import Image

from ram.errors import ImageError
from ram.images.opening import open_image
from ram.images.reading import or_fault, read_ahead
from ram.images.transforms import TrainTransform
from ram.training.data.shards import ShardPicture

_log = logging.getLogger(__name__)


def open_training_picture(
    picture: Path | ShardPicture, note: Callable[[str], None] = lambda sentence: None
) -> Image.Image:
    """Open an image file or an image in a shard as RGB.

    Args:
        picture: the file.
        note: see :func:`ram.images.opening.open_image`; silent, because an image is opened in every epoch.

    Raises:
        ImageError: see :func:`ram.images.opening.open_image`.
    """
    if isinstance(picture, Path):
        return open_image(picture, note=note)
    try:
        content = picture.open()
    except OSError as error:
        reason = error.strerror or error
        raise ImageError(f"{picture.name} of {picture.shard.name} cannot be read: {reason}") from None
    return open_image(content, note=note)


def find_faults(
    pictures: Sequence[Path | ShardPicture], workers: int, progress: Callable[[int, int], None]
) -> list[str | None]:
    """Return why each image cannot be used, or None where it can.

    Images are decoded whole, since a header does not tell where a file was cut off. This runs once before a training
    run, so that every epoch, every process and every resumed run has the same images.
    """
    faults: list[str | None] = []
    for fault in read_ahead(_fault, pictures, workers):
        faults.append(fault)
        progress(len(faults), len(pictures))
    return faults


def read_crops(
    pictures: Sequence[Path | ShardPicture],
    requests: Iterable[tuple[torch.Tensor, torch.Tensor]],
    transforms: Sequence[TrainTransform],
    workers: int,
) -> Iterator[tuple[torch.Tensor, ...]]:
    """Read random crops of images, a few requests ahead of the training step.

    A crop depends on its image and seed alone, not on the workers. All transforms see the same crop.

    Args:
        pictures: all images.
        requests: indices (batch,) of images, and the seed of each crop (batch,).
        transforms: one for each size and statistics that the crop is wanted in.
        workers: processes that read, see :func:`ram.images.reading.read_ahead`.

    Yields:
        (batch, 3, size, size) pixels by each transform, for each request.

    Raises:
        ImageError: an image cannot be opened any more.
    """
    listed = ((ids.tolist(), seeds.tolist()) for ids, seeds in requests)
    for crops in read_ahead(partial(or_fault, partial(_crops, pictures, transforms)), listed, workers):
        if isinstance(crops, ImageError):
            raise ImageError(f"{crops}; it could be read when the run began")
        yield crops


def _fault(picture: Path | ShardPicture) -> str | None:
    fault = or_fault(partial(open_training_picture, note=_log.warning), picture)
    return str(fault) if isinstance(fault, ImageError) else None


def _crops(
    pictures: Sequence[Path | ShardPicture],
    transforms: Sequence[TrainTransform],
    request: tuple[Sequence[int], Sequence[int]],
) -> tuple[torch.Tensor, ...]:
    """Return (batch, 3, size, size) pixels by each transform."""
    crops: list[list[torch.Tensor]] = [[] for _ in transforms]
    for index, seed in zip(*request, strict=True):
        picture = open_training_picture(pictures[index])
        for transform, into in zip(transforms, crops, strict=True):
            into.append(transform(picture, torch.Generator().manual_seed(seed)))
    return tuple(map(torch.stack, crops))
