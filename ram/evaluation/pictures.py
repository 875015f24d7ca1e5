"""Pictures of a data set: all checked before the work, read ahead of the model, the unusable ones named."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import torch

from ram.errors import ImageError
from ram.images.opening import check_image, open_image
from ram.models.image_encoder import ImageFeatures
from ram.runtime import Progress, quiet
from ram.tagger import Tagger

BATCH, CPU_BATCH = 32, 4
"""Pictures that go through the image encoder together; on a CPU, large activations cost more than they save."""

READERS = 4
"""Batches that are read from disk at the same time."""

MOST_FAULTS_NAMED = 20


def sound_pictures(names: Sequence[str], files: Mapping[str, Path], dataset: str) -> tuple[Path, ...]:
    """The files of these names, in order.

    Raises:
        ImageError: some are missing or, as far as their headers tell, unreadable; the message names them.
    """
    faults = []
    for name in names:
        try:
            if name not in files:
                raise ImageError(f"there is no picture {name}")
            check_image(files[name])
        except ImageError as error:
            faults.append(str(error))
    if faults:
        raise _unusable(faults, f"{len(names)} pictures of {dataset}")
    return tuple(files[name] for name in names)


def look_at(tagger: Tagger, pictures: Sequence[Path], progress: Progress = quiet) -> Iterator[ImageFeatures]:
    """Features of all pictures in their order, a batch at a time; the next are read while the model looks.

    The first picture that cannot be decoded ends the looking, but not the reading, so that the error at the end names
    all of them.

    Raises:
        ImageError: some pictures cannot be decoded; the message names them.
    """
    faults: list[str] = []
    done = 0
    for pixels, unreadable in _batches(tagger, pictures):
        progress(f"{tagger.name} looks at the pictures", done, len(pictures))
        faults += unreadable
        if not faults:
            with torch.inference_mode():
                features = tagger.model.look(torch.stack(pixels).to(tagger.device, tagger.dtype))
            yield features
        done += len(pixels) + len(unreadable)
    if faults:
        raise _unusable(faults, f"{len(pictures)} pictures")


def _batches(tagger: Tagger, pictures: Sequence[Path]) -> Iterator[tuple[list[torch.Tensor], list[str]]]:
    """Pixels (3, height, width) of each picture of a batch, and why the others of it cannot be read."""
    size = CPU_BATCH if tagger.device.type == "cpu" else BATCH

    def read(batch: Sequence[Path]) -> tuple[list[torch.Tensor], list[str]]:
        pixels, faults = [], []
        for picture in batch:
            try:
                pixels.append(tagger.transform(open_image(picture)))
            except ImageError as error:
                faults.append(str(error))
        return pixels, faults

    batches = (pictures[start : start + size] for start in range(0, len(pictures), size))
    with ThreadPoolExecutor(READERS) as readers:
        ahead = deque(readers.submit(read, batch) for batch in islice(batches, READERS + 1))
        while ahead:
            yield ahead.popleft().result()
            ahead.extend(readers.submit(read, batch) for batch in islice(batches, 1))


def _unusable(faults: Sequence[str], of: str) -> ImageError:
    more = f"; and {len(faults) - MOST_FAULTS_NAMED} more" if len(faults) > MOST_FAULTS_NAMED else ""
    return ImageError(f"{len(faults)} of {of} cannot be used: {'; '.join(faults[:MOST_FAULTS_NAMED])}{more}")
