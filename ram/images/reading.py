"""Many pictures, in order: read by worker processes ahead of the model, with the faults in their places, and looked at
several at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

from ram.errors import ImageError
from ram.images.opening import EvalTransform, open_image

WORTHWHILE = 8
"""Pictures for each worker process from which starting it pays."""

AT_ONCE = 4
"""Pictures that a CPU looks at, at most: each needs memory of its own."""

_A = TypeVar("_A")
_B = TypeVar("_B")


def worker_count(pictures: int, cores: int) -> int:
    """Processes that should read so many pictures; few pictures, or a single core, need none."""
    return min(cores, pictures // WORTHWHILE) if cores > 1 else 0


def read_pixels(
    pictures: Sequence[Path], transform: EvalTransform, workers: int
) -> Iterator[torch.Tensor | ImageError]:
    """(3, size, size) pixels of each picture, or why it cannot be used; without workers, read when asked for."""
    own = torch.Generator()  # else it draws from the one that everything else draws from
    for read in DataLoader(_Pixels(pictures, transform), batch_size=None, num_workers=workers, generator=own):
        yield ImageError(read) if isinstance(read, str) else read


def several_at_once(work: Callable[[_A], _B], items: Iterable[_A], threads: int) -> Iterator[_B]:
    """Results of a network on a CPU in the order of the items, each computed by its share of PyTorch's threads.

    Small networks leave cores waiting for each other: side by side they do not. While this runs the caller has the
    same share.
    """
    all_threads = torch.get_num_threads()
    share = max(1, all_threads // threads)
    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(share,))
    torch.set_num_threads(share)
    waiting: deque[Future[_B]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(all_threads)


class _Pixels(Dataset["torch.Tensor | str"]):
    """A fault is a sentence here: an exception would bring the worker's stack with it."""

    def __init__(self, pictures: Sequence[Path], transform: EvalTransform) -> None:
        self._pictures, self._transform = pictures, transform

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> torch.Tensor | str:
        try:
            return self._transform(open_image(self._pictures[index]))
        except ImageError as error:
            return str(error)
