"""Many photos, tagged one after the other: of each stay its scores, features and a thumbnail, never the picture.

Thresholds come in when the album is read, so that another threshold never looks at a photo again.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from demo.core.feature_cache import FeatureShelf, Kept
from ram.errors import ArchiveError, ImageError, InputError
from ram.images.archives import MOST_PICTURES, is_archive, open_archive
from ram.images.opening import open_image
from ram.images.reading import or_fault, read_ahead
from ram.images.transforms import EvalTransform
from ram.prediction import Prediction
from ram.tagger import Tagger
from ram.text.vocabulary import TagVocabulary

THUMBNAIL = 144
"""Longest side of a thumbnail in pixels: twice what is shown."""

Thumbs = Mapping[tuple[int, str], bool]
"""By position of the photo and tag: is the tag right there?"""


@dataclass(frozen=True, eq=False)
class AlbumPhoto:
    """What is kept of a photo.

    Args:
        name: to show.
        size: width and height of the photo, upright, in pixels.
        thumbnail: a small JPEG.
        probabilities: (tags,) in 0..1, 32 bit.
        heaviest: (tags,) which description of each tag weighed most, counted from 0.
        weights: (tags,) how much that one weighed.
        kept: its features, for scoring further categories as long as there is room for them.
    """

    name: str
    size: tuple[int, int]
    thumbnail: bytes = field(repr=False)
    probabilities: np.ndarray = field(repr=False)
    heaviest: np.ndarray = field(repr=False)
    weights: np.ndarray = field(repr=False)
    kept: Kept = field(repr=False)


@dataclass(frozen=True, eq=False)
class Album:
    """Photos as far as they are tagged.

    Args:
        model: name of the one that tagged them.
        vocabulary: its tags with their own thresholds.
        sentences: the descriptions of each tag.
        total: how many photos were given.
        photos: those that are tagged.
        faults: why others were left out, a sentence each.
        seconds: what it took so far.
    """

    model: str
    vocabulary: TagVocabulary = field(repr=False)
    sentences: Sequence[Sequence[str]] = field(repr=False)
    total: int
    photos: tuple[AlbumPhoto, ...] = ()
    faults: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def done(self) -> int:
        """Photos that were tagged or left out."""
        return len(self.photos) + len(self.faults)

    @property
    def seconds_left(self) -> float | None:
        """At the pace so far; None before the first photo."""
        return self.seconds / self.done * (self.total - self.done) if self.done else None

    def prediction(self, photo: AlbumPhoto, vocabulary: TagVocabulary | None = None) -> Prediction:
        """The photo's scores, each with its heaviest description only, over the thresholds of a vocabulary."""
        heaviest = [(said[place],) for said, place in zip(self.sentences, photo.heaviest, strict=True)]
        weights = photo.weights[:, None].astype(np.float32)
        return Prediction(vocabulary or self.vocabulary, heaviest, photo.probabilities, weights)

    def present(self, vocabulary: TagVocabulary | None = None) -> np.ndarray:
        """(photos, tags) True where a tag is over its threshold."""
        thresholds = np.asarray((vocabulary or self.vocabulary).thresholds, np.float32)
        return self.probabilities() > thresholds

    def probabilities(self) -> np.ndarray:
        """(photos, tags)."""
        tags = len(self.vocabulary)
        return np.stack([photo.probabilities for photo in self.photos]) if self.photos else np.zeros((0, tags))


def tag_album(
    tagger: Tagger, files: Sequence[Path], shelf: FeatureShelf, clock: Callable[[], float] = time.perf_counter
) -> Iterator[Album]:
    """Tag photos and the photos in zip archives, yielding the album after each of them.

    What cannot be used is named in the album and left out; features go to the shelf.

    Raises:
        InputError: nothing was given, or too many photos.
    """
    with ExitStack() as stack:
        given = [one for path in files for one in _photos_in(path, stack)]
        if not given:
            raise InputError("no photo was given: choose some, or a zip archive of them")
        if len(given) > MOST_PICTURES:
            raise InputError(f"{len(given)} photos are too many: give at most {MOST_PICTURES} at a time")
        album = Album(tagger.name, tagger.bank.vocabulary, tagger.bank.sentences, len(given))
        began = clock()
        yield album
        photos = read_ahead(partial(or_fault, partial(_open, tagger.transform)), (read for _, read in given))
        for (name, _), photo in zip(given, photos, strict=True):
            if isinstance(photo, ImageError):
                album = replace(album, faults=(*album.faults, _sentence(name, photo)))
            else:
                album = replace(album, photos=(*album.photos, _look(tagger, shelf, name, *photo)))
            album = replace(album, seconds=clock() - began)
            yield album


def pacer(seconds: float = 0.7, clock: Callable[[], float] = time.monotonic) -> Callable[[], bool]:
    """A question that is true when first asked, and again when that long has passed since it last was."""
    last = -np.inf

    def due() -> bool:
        nonlocal last
        now = clock()
        if now - last < seconds:
            return False
        last = now
        return True

    return due


def filtered(album: Album, vocabulary: TagVocabulary, tags: Sequence[str] = ()) -> list[int]:
    """Positions of the photos that show all of these tags over their thresholds; names nobody knows match none."""
    present = album.present(vocabulary)
    if not all(tag in vocabulary for tag in tags):
        return []
    wanted = [vocabulary.id(tag) for tag in tags]
    return [int(place) for place in np.flatnonzero(present[:, wanted].all(axis=1))]


def tag_counts(album: Album, vocabulary: TagVocabulary) -> dict[str, int]:
    """In how many photos each tag is over its threshold, the most frequent first, absent ones not at all."""
    counts = album.present(vocabulary).sum(axis=0)
    order = np.argsort(-counts, kind="stable")
    return {vocabulary.tags[tag]: int(counts[tag]) for tag in order if counts[tag]}


_Read = Callable[[], bytes | Path]


def _photos_in(path: Path, stack: ExitStack) -> Iterator[tuple[str, _Read]]:
    """Names and ways to read; archives stay open until the stack closes them."""
    try:
        if not is_archive(path):
            yield path.name, lambda: path
            return
        archive = stack.enter_context(open_archive(path))
    except (ArchiveError, OSError) as error:
        fault = error if isinstance(error, ArchiveError) else ArchiveError(f"{path.name} cannot be read: give it again")
        yield path.name, partial(_fail, fault)
        return
    for member in archive.members:
        yield member.name, partial(archive.read, member)


def _fail(error: ImageError) -> bytes:
    raise error


def _open(transform: EvalTransform, read: _Read) -> tuple[tuple[int, int], bytes, torch.Tensor]:
    """Return the size of a photo, its thumbnail as a JPEG file, and (3, size, size) pixels for the model."""
    photo = open_image(read())
    thumbnail = photo.copy()
    thumbnail.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.BILINEAR, reducing_gap=2.0)
    file = io.BytesIO()
    thumbnail.save(file, "JPEG", quality=75)
    return photo.size, file.getvalue(), transform(photo)


def _look(
    tagger: Tagger, shelf: FeatureShelf, name: str, size: tuple[int, int], thumbnail: bytes, pixels: torch.Tensor
) -> AlbumPhoto:
    features = tagger.look_at_pixels(pixels[None])
    prediction = tagger.score(features)
    heaviest = _heaviest(prediction)
    return AlbumPhoto(
        name,
        size,
        thumbnail,
        prediction.probabilities.astype(np.float32),
        heaviest.astype(np.int16),
        np.take_along_axis(prediction.weights, heaviest[:, None], axis=1)[:, 0].astype(np.float16),
        shelf.keep(features.to("cpu")),
    )


def _heaviest(prediction: Prediction) -> np.ndarray:
    """(tags,) positions; padding past a tag's own descriptions weighs nothing."""
    counts = np.array([len(said) for said in prediction.sentences])
    exists = np.arange(prediction.weights.shape[1]) < counts[:, None]
    return np.where(exists, prediction.weights, -1).argmax(axis=1)


def _sentence(name: str, error: ImageError) -> str:
    """The error's own sentence, which calls a picture without a name "the picture"."""
    said = str(error).rstrip(".")
    return f"{name}{said.removeprefix('the picture')}." if said.startswith("the picture ") else f"{said}."
