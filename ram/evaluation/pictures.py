"""Images of a data set: check all of them first, then look at them in batches, naming the unusable ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ram.errors import ImageError
from ram.images.opening import check_image
from ram.images.reading import read_batches
from ram.models.image_encoder import ImageFeatures
from ram.runtime import Progress, quiet
from ram.tagger import Tagger

MOST_FAULTS_NAMED = 20


def sound_pictures(names: Sequence[str], files: Mapping[str, Path], dataset: str) -> tuple[Path, ...]:
    """Return the files of these names in order, after checking their headers.

    Raises:
        ImageError: some are missing or unreadable; the message names them.
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
        raise unusable(faults, f"{len(names)} pictures of {dataset}")
    return tuple(files[name] for name in names)


def look_at(tagger: Tagger, pictures: Sequence[Path], progress: Progress = quiet) -> Iterator[ImageFeatures]:
    """Yield the features of all images in order, in batches that are read ahead of the model.

    After the first image that cannot be read, the model looks at no more, but the others are still read, so that the
    error at the end names all that are unusable.

    Raises:
        ImageError: some images cannot be decoded; the message names them.
    """
    faults: list[str] = []
    done = 0
    for batch in read_batches(pictures, tagger.transform, tagger.batch_size):
        progress(f"{tagger.name} looks at the pictures", done, len(pictures))
        faults += [str(fault) for fault in batch.faults if fault is not None]
        if not faults:
            yield tagger.look_at_pixels(batch.pixels)
        done += len(batch.faults)
    if faults:
        raise unusable(faults, f"{len(pictures)} pictures")


def unusable(faults: Sequence[str], of: str) -> ImageError:
    """The error that names images of a data set that cannot be used; ``of`` says how many it has."""
    more = f"; and {len(faults) - MOST_FAULTS_NAMED} more" if len(faults) > MOST_FAULTS_NAMED else ""
    return ImageError(f"{len(faults)} of {of} cannot be used: {'; '.join(faults[:MOST_FAULTS_NAMED])}{more}")
