"""Tag many photos; of each only its scores, features and a thumbnail are kept.

Thresholds are applied when the album is read, so that changing one needs no second look at a photo.
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

from demo.core.feature_cache import CachedFeatures, FeatureCache
from demo.core.texts import input_error
from ram.backends import TaggerBackend
from ram.errors import ArchiveError, ImageError
from ram.images.archives import MOST_PICTURES, is_archive, open_archive
from ram.images.folders import is_of_system
from ram.images.opening import open_image
from ram.images.reading import or_fault, read_ahead
from ram.images.size_limits import UPLOADS
from ram.images.transforms import EvalTransform
from ram.prediction import Prediction
from ram.text.vocabulary import TagVocabulary

THUMBNAIL = 240
"""Longest side of a thumbnail in pixels: the width of a card in the gallery."""

Thumbs = Mapping[tuple[int, str], bool]
"""By index of the photo and tag: whether the tag is right there."""


@dataclass(frozen=True, eq=False)
class AlbumPhoto:
    """A tagged photo.

    Args:
        name: of the file.
        size: width and height of the upright photo, in pixels.
        thumbnail: a small JPEG.
        probabilities: (tags,) in 0..1, 32 bit.
        heaviest: (tags,) index of the description of each tag with the largest weight.
        weights: (tags,) weight of that description.
        cached: its features, for scoring further categories.
        path: of the file, or of the archive that holds it.
    """

    name: str
    size: tuple[int, int]
    thumbnail: bytes = field(repr=False)
    probabilities: np.ndarray = field(repr=False)
    heaviest: np.ndarray = field(repr=False)
    weights: np.ndarray = field(repr=False)
    cached: CachedFeatures = field(repr=False)
    path: Path = Path()


@dataclass(frozen=True, eq=False)
class Album:
    """Photos that have been tagged so far.

    Args:
        model: name of the model that tags them.
        vocabulary: its tags with their own thresholds.
        sentences: the descriptions of each tag.
        total: how many photos were given.
        photos: those that are tagged.
        faults: a sentence for each photo that was left out.
        seconds: time so far.
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
        """Estimated from the photos done so far; None before the first."""
        return self.seconds / self.done * (self.total - self.done) if self.done else None

    def prediction(self, photo: AlbumPhoto, vocabulary: TagVocabulary | None = None) -> Prediction:
        """The photo's scores, each with its heaviest description only, with the thresholds of a vocabulary."""
        heaviest = [(texts[index],) for texts, index in zip(self.sentences, photo.heaviest, strict=True)]
        weights = photo.weights[:, None].astype(np.float32)
        return Prediction(vocabulary or self.vocabulary, heaviest, photo.probabilities, weights)

    def present(self, vocabulary: TagVocabulary | None = None, thumbs: Thumbs | None = None) -> np.ndarray:
        """(photos, tags) bool: whether the tag is over its threshold; where it has a thumb, the thumb decides."""
        thresholds = np.asarray((vocabulary or self.vocabulary).thresholds, np.float32)
        present = self.probabilities() > thresholds
        for (photo, tag), right in (thumbs or {}).items():
            if 0 <= photo < len(self.photos) and tag in self.vocabulary:
                present[photo, self.vocabulary.id(tag)] = right
        return present

    def probabilities(self) -> np.ndarray:
        """(photos, tags) in 0..1."""
        tags = len(self.vocabulary)
        return np.stack([photo.probabilities for photo in self.photos]) if self.photos else np.zeros((0, tags))


def tag_album(
    tagger: TaggerBackend, files: Sequence[Path], cache: FeatureCache, clock: Callable[[], float] = time.perf_counter
) -> Iterator[Album]:
    """Tag photos and the photos in zip archives; yield the album after each.

    Files that cannot be used are listed as faults of the album.

    Raises:
        InputError: no photos, or too many.
    """
    with ExitStack() as stack:
        files = [path for path in files if not is_of_system(path.name)]  # a folder is given with all that it holds
        given = [(path, *photo) for path in files for photo in _photos_in(path, stack)]
        if not given:
            raise input_error("no_photo_given")
        if len(given) > MOST_PICTURES:
            raise input_error("too_many_photos", count=len(given), most=MOST_PICTURES)
        album = Album(tagger.name, tagger.bank.vocabulary, tagger.bank.sentences, len(given))
        start = clock()
        yield album
        photos = read_ahead(partial(or_fault, partial(_open, tagger.transform)), (read for *_, read in given))
        for (path, name, _), photo in zip(given, photos, strict=True):
            if isinstance(photo, ImageError):
                album = replace(album, faults=(*album.faults, _sentence(name, photo)))
            else:
                album = replace(album, photos=(*album.photos, _look(tagger, cache, name, path, *photo)))
            album = replace(album, seconds=clock() - start)
            yield album


def every(seconds: float = 0.7, clock: Callable[[], float] = time.monotonic) -> Callable[[], bool]:
    """A function that returns True when first called, and again once this time has passed since it last did."""
    last = -np.inf

    def due() -> bool:
        nonlocal last
        now = clock()
        if now - last < seconds:
            return False
        last = now
        return True

    return due


def filtered(
    album: Album, vocabulary: TagVocabulary, tags: Sequence[str] = (), thumbs: Thumbs | None = None
) -> list[int]:
    """Indices of the photos with all of these tags, as :meth:`Album.present` says; an unknown tag matches none."""
    present = album.present(vocabulary, thumbs)
    if not all(tag in vocabulary for tag in tags):
        return []
    wanted = [vocabulary.id(tag) for tag in tags]
    return [int(index) for index in np.flatnonzero(present[:, wanted].all(axis=1))]


def tag_counts(album: Album, vocabulary: TagVocabulary, thumbs: Thumbs | None = None) -> dict[str, int]:
    """In how many photos each tag is present, the most frequent first; tags without photos are left out."""
    counts = album.present(vocabulary, thumbs).sum(axis=0)
    order = np.argsort(-counts, kind="stable")
    return {vocabulary.tags[tag]: int(counts[tag]) for tag in order if counts[tag]}


_Read = Callable[[], bytes | Path]


def _photos_in(path: Path, stack: ExitStack) -> Iterator[tuple[str, _Read]]:
    """Names of photos and functions that read them; archives stay open until the stack closes them."""
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
    photo = open_image(read(), UPLOADS)
    thumbnail = photo.copy()
    thumbnail.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.BILINEAR, reducing_gap=2.0)
    file = io.BytesIO()
    thumbnail.save(file, "JPEG", quality=75)
    return photo.size, file.getvalue(), transform(photo)


def _look(
    tagger: TaggerBackend, cache: FeatureCache, name: str, path: Path, size: tuple[int, int], thumbnail: bytes,
    pixels: torch.Tensor,
) -> AlbumPhoto:  # fmt: skip
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
        cache.add(features.to("cpu")),
        path,
    )


def _heaviest(prediction: Prediction) -> np.ndarray:
    """(tags,) index of the description with the largest weight, padding left out."""
    counts = np.array([len(texts) for texts in prediction.sentences])
    exists = np.arange(prediction.weights.shape[1]) < counts[:, None]
    return np.where(exists, prediction.weights, -1).argmax(axis=1)


def _sentence(name: str, error: ImageError) -> str:
    """The error's message, with the name in place of "the picture"."""
    message = str(error).rstrip(".")
    return f"{name}{message.removeprefix('the picture')}." if message.startswith("the picture ") else f"{message}."
