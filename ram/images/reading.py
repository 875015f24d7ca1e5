"""Read images ahead of the model that looks at them, in order, with faults in their places."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from ram.errors import ImageError
from ram.images.given import Source
from ram.images.opening import open_image
from ram.images.size_limits import OWN_FILES, ImageLimits

IMAGES_PER_WORKER = 8
"""Images from which starting a worker process pays."""

THREADS = 2
"""Threads that read where there are no worker processes; each holds one decoded image."""

_Request = TypeVar("_Request")
_Result = TypeVar("_Result")


@dataclass(frozen=True, eq=False)
class ImageBatch:
    """Pixels of the readable images of a batch.

    Args:
        pixels: (readable, 3, size, size).
        faults: one entry for each image of the batch, None where it is readable.
    """

    pixels: torch.Tensor
    faults: tuple[ImageError | None, ...]


def worker_count(images: int, cores: int) -> int:
    """Return how many worker processes to read so many images with; none for few images or a single core."""
    return min(cores, images // IMAGES_PER_WORKER) if cores > 1 else 0


def read_ahead(
    read: Callable[[_Request], _Result], requests: Iterable[_Request], workers: int = 0
) -> Iterator[_Result]:
    """Yield ``read(request)`` for each request in order, computing the next results meanwhile.

    This is the one loop behind tagging, evaluation, training, the data engine and the page's album. Requests are taken
    a few at a time, so that they may be endless. It draws nothing from PyTorch's global random state.

    Args:
        read: reads one image or a batch of them. With worker processes it must be picklable, and an error that it
            raises ends the loop: let it return faults, see :func:`or_fault`.
        requests: what to read.
        workers: processes; with 0, :data:`THREADS` threads of this process read.
    """
    return _read_in_processes(read, requests, workers) if workers else _read_in_threads(read, requests)


def read_batches(
    images: Iterable[Source],
    transform: Callable[[Image.Image], torch.Tensor],
    size: int,
    workers: int = 0,
    limits: ImageLimits = OWN_FILES,
) -> Iterator[ImageBatch]:
    """Read images in batches of ``size``, in order.

    Args:
        images: what :func:`ram.images.opening.open_image` takes, read a few batches ahead, so that they may be
            endless; with worker processes, paths.
        transform: maps an RGB image to (3, size, size) pixels.
        size: images in a batch; the last one may be smaller.
        workers: processes, see :func:`read_ahead`.
        limits: on each image.
    """
    rest = iter(images)
    batches = iter(lambda: list(islice(rest, size)), [])
    return read_ahead(partial(_read_batch, transform, limits), batches, workers)


def or_fault(read: Callable[[_Request], _Result], request: _Request) -> _Result | ImageError:
    """Return ``read(request)``, or the error where the image cannot be used."""
    try:
        return read(request)
    except ImageError as error:
        return type(error)(str(error))  # without the stack, which holds what was decoded so far


def _unchanged(result: Any) -> Any:
    return result


def _read_batch(
    transform: Callable[[Image.Image], torch.Tensor], limits: ImageLimits, images: Sequence[Source]
) -> ImageBatch:
    found = [or_fault(lambda image: transform(open_image(image, limits)), image) for image in images]
    pixels = [one for one in found if not isinstance(one, ImageError)]
    faults = tuple(one if isinstance(one, ImageError) else None for one in found)
    return ImageBatch(torch.stack(pixels) if pixels else torch.empty(0), faults)


def _read_in_threads(read: Callable[[_Request], _Result], requests: Iterable[_Request]) -> Iterator[_Result]:
    pool = ThreadPoolExecutor(THREADS, "read-ahead")
    waiting: deque[Future[_Result]] = deque()
    try:
        for request in requests:
            waiting.append(pool.submit(read, request))
            if len(waiting) > THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _read_in_processes(
    read: Callable[[_Request], _Result], requests: Iterable[_Request], workers: int
) -> Iterator[_Result]:
    return iter(
        DataLoader(
            _Results(read),
            batch_size=None,  # a request is a batch already
            sampler=requests,
            num_workers=workers,
            collate_fn=_unchanged,
            generator=torch.Generator(),  # else the loader draws a seed from the global random state
        )
    )


class _Results(Dataset[Any]):
    """Maps a request to its result, as other data sets map an index to an item."""

    def __init__(self, read: Callable[[Any], Any]) -> None:
        self._read = read

    def __getitem__(self, request: Any) -> Any:
        return self._read(request)
