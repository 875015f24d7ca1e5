"""A folder of photos with its looks and tags: add, retag, search, undo."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ram.errors import ImageError, InputError
from ram.export.formats import Record
from ram.images.folders import find_images
from ram.images.given import Source
from ram.library.folder_lock import locked
from ram.library.look_ranking import by_cosine, highest, nearest_looks, score_looks, sentence_query
from ram.library.looks import LookShape, LookStore
from ram.library.photo_index import VERSION, PhotoIndex, PhotoState
from ram.models.image_encoder import ImageFeatures
from ram.runtime import Progress, quiet
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank
from ram.text.names import matching_key

HOME = ".ram"
"""Folder of a library within the folder of the photos; programs leave hidden folders alone."""
SHORTLIST, CANDIDATES = 2000, 200
"""Photos that are scored exactly for a new category, and for a sentence."""
BATCH = 64
"""Photos that are taken up in one step."""


class _Writer(Protocol):
    def add(self, photo: Path, record: Record, /) -> object: ...

    def undo(self, photo: Path, /) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class FoundPhoto:
    """A photo of a library.

    Args:
        path: of its file.
        score: what it is ordered by: a probability, or a cosine for a search by photo.
    """

    path: Path
    score: float


@dataclass(frozen=True)
class Added:
    """What was taken up.

    Args:
        photos: how many are new or changed.
        gone: how many were forgotten, because they are no longer there.
        faults: photos that cannot be read, each with the reason.
    """

    photos: int
    gone: int
    faults: tuple[tuple[Path, str], ...]


class PhotoLibrary:
    """The looks and tags of a folder of photos, kept in a folder of its own.

    Args:
        folder: of the photos.
        tagger: all looks are of its model.
        home: where the looks are; ``.ram`` in the folder where None.

    Raises:
        InputError: the folder does not exist, or holds a library of another model.
        OSError: the library cannot be made there.
    """

    def __init__(self, folder: str | Path, tagger: Tagger, home: str | Path | None = None) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise InputError(f"there is no folder {self.folder}: check the path")
        self.tagger = tagger
        self._home = self.folder / HOME if home is None else Path(home)
        self._home.mkdir(parents=True, exist_ok=True)
        self._index = PhotoIndex(self._home / "library.sqlite")
        self._store: LookStore | None = None
        if facts := self._index.facts():
            wanted = self._facts()
            if {name: facts.get(name) for name in wanted} != wanted:
                raise InputError(
                    f"the library in {self._home} is of {facts.get('model')}, with other weights or of another "
                    f"version than {tagger.name} here: remove it, or name another place with --library"
                )
            self._store = LookStore(self._home, LookShape(*map(int, facts["shape"].split())))

    def __len__(self) -> int:
        """Number of photos."""
        return len(self._index.rows())

    def close(self) -> None:
        """Close the index."""
        self._index.close()

    @property
    def tags(self) -> dict[str, int]:
        """All tags with the number of their photos."""
        return self._index.tags()

    def add(self, progress: Progress = quiet) -> Added:
        """Look at the photos of the folder that are new or have changed, and keep their looks and tags.

        After a stop the next call goes on.

        Raises:
            InputError: another run writes to the library.
            ImageError: the folder holds no photo.
            OSError: the disk is full, for instance; what was taken up before stays.
        """
        with locked([self._home]):
            known = self._index.photos()
            photos = find_images([self.folder])
            states = {photo: state for photo in photos if (state := self._state(photo)) is not None}
            gone = known.keys() - {state.path for state in states.values()}
            self._index.forget(gone)
            new = [photo for photo, one in states.items() if one.path not in known or known[one.path][1] != one]
            faults: list[tuple[Path, str]] = []
            taken = zip(new, self.tagger.look_through(new), strict=True)
            done = 0
            while batch := list(islice(taken, BATCH)):
                progress("looking", done, len(new))
                faults += [(photo, str(look)) for photo, look in batch if isinstance(look, ImageError)]
                self._take_up([(states[photo], look) for photo, look in batch if not isinstance(look, ImageError)])
                done += len(batch)
            return Added(len(new) - len(faults), len(gone), tuple(faults))

    def retag(
        self, bank: TagEmbeddingBank, shortlist: int | None = SHORTLIST, progress: Progress = quiet
    ) -> dict[str, list[FoundPhoto]]:
        """Score the kept looks for new categories, and keep those over their thresholds as tags of the photos.

        Args:
            bank: the categories, of :meth:`ram.tagger.Tagger.embed`.
            shortlist: photos that are scored for each, the nearest by pooled token; all of them where None.
            progress: called with what is being done, how much of it is done, and how much there is.

        Returns:
            The photos over the threshold of each category, the most probable first.

        Raises:
            InputError: the bank is of another text encoder, or the model cannot make a shortlist.
        """
        with locked([self._home]):
            rows, store = self._index.rows(), self._looks()
            alone = [bank.select([tag]) for tag in bank.vocabulary.tags]
            near = [rows] * len(bank)
            if shortlist is not None and shortlist < len(rows):
                near = nearest_looks(self.tagger, store, rows, bank, shortlist)
            found = {}
            for one, chosen in zip(alone, near, strict=True):
                (tag,), (threshold,) = one.vocabulary.tags, one.vocabulary.thresholds
                probabilities = score_looks(self.tagger, store, chosen, one, progress)[:, 0].sigmoid().numpy()
                over = {int(chosen[i]): float(probabilities[i]) for i in np.flatnonzero(probabilities > threshold)}
                self._index.set_tag(tag, over)
                found[tag] = self._named(sorted(over.items(), key=lambda item: -item[1]))
            return found

    def search(
        self,
        words: str | None = None,
        *,
        all: Sequence[str] = (),
        any: Sequence[str] = (),
        without: Sequence[str] = (),
        like: Source | None = None,
        most: int = 20,
    ) -> list[FoundPhoto]:
        """Find photos by tags, a sentence, or another photo; what is given together must hold together.

        Args:
            words: a sentence; the photos whose pooled tokens are nearest are ordered by the decoder.
            all, any, without: tags that a photo must have, must have one of, must not have.
            like: a photo; those with the nearest pooled tokens come first, itself left out.
            most: how many to return.

        Raises:
            InputError: nothing is asked for, both a sentence and a photo are given, or no photo has a tag.
            ImageError: the photo cannot be read.
            TextEncoderError: the model reads no texts.
        """
        if not (words or all or any or without or like is not None):
            raise InputError("nothing to search for: give a sentence, tags, or a photo")
        if words and like is not None:
            raise InputError("give a sentence or a photo, not both")
        rows, scores = self._tagged(all, any, without)
        if not len(rows):
            return []
        store = self._looks()
        if words:
            query = sentence_query(self.tagger, words)
            near = by_cosine(store, rows, query.embeddings[0, 0])
            rows = rows[highest(near, max(CANDIDATES, most))]
            scores = score_looks(self.tagger, store, rows, query)[:, 0].sigmoid().numpy()
        elif like is not None:
            scores = by_cosine(store, rows, self.tagger.look(like).pooled[0])
            itself = self._row_of(like)
            rows, scores = rows[rows != itself], scores[rows != itself]
        order = highest(scores, most)
        return self._named(zip(rows[order].tolist(), scores[order].tolist(), strict=True))

    def write(self, writer: _Writer) -> None:
        """Write the tags of every photo with a writer, such as :class:`ram.library.sidecars.Sidecars`.

        Raises:
            InputError: those of a photo cannot be written.
        """
        for path, (row, _) in self._index.photos().items():
            tags = list(self._index.tags_of(row))
            record = {"model": self.tagger.name, "tags": tags, "scores": [{"tag": tag} for tag in tags]}
            writer.add(self.folder / path, record)

    def undo(self, writer: _Writer) -> int:
        """Take the tags out again that a writer of this kind wrote, for every photo; gives how many had some."""
        return sum(bool(writer.undo(self.folder / path)) for path in self._index.photos())

    def _facts(self) -> dict[str, str]:
        weights = 0
        for part in self.tagger.model.state_dict().values():
            weights = zlib.crc32(part.half().cpu().numpy().tobytes(), weights)
        return {"version": VERSION, "model": self.tagger.name, "weights": f"{weights:08x}"}

    def _looks(self) -> LookStore:
        if self._store is None:
            raise InputError(f"there are no looks of {self.folder}: run `ram library add` first")
        return self._store

    def _state(self, photo: Path) -> PhotoState | None:
        try:
            return PhotoState.of(self.folder, photo)
        except OSError:  # meanwhile
            return None

    def _take_up(self, batch: Sequence[tuple[PhotoState, ImageFeatures]]) -> None:
        if not batch:
            return
        looks = ImageFeatures.join([features for _, features in batch])
        if self._store is None:
            shape = LookShape.of(looks)
            self._index.save_facts(self._facts() | {"shape": f"{shape.patches} {shape.dim} {shape.classes}"})
            self._store = LookStore(self._home, shape)
        self._store.write(self._index.next_row(), looks)
        predictions = [self.tagger.score(features) for _, features in batch]
        tags = [{score.tag: score.probability for score in prediction.above()} for prediction in predictions]
        self._index.add([state for state, _ in batch], tags)

    def _tagged(
        self, all: Sequence[str], any: Sequence[str], without: Sequence[str]
    ) -> tuple[NDArray[np.int_], NDArray[np.float32]]:
        """Rows that the tags allow, and the sum of the probabilities of those that they must have."""
        rows = self._index.rows()
        scores = np.zeros(len(rows), np.float32)
        for tag in all:
            found, probabilities = self._with_tag(tag)
            had = np.isin(rows, found, assume_unique=True)
            rows, scores = rows[had], scores[had] + probabilities[np.isin(found, rows, assume_unique=True)]
        if any:
            best = np.full(len(rows), -1, np.float32)
            for found, probabilities in map(self._with_tag, any):
                had = np.isin(rows, found, assume_unique=True)
                best[had] = np.maximum(best[had], probabilities[np.isin(found, rows, assume_unique=True)])
            rows, scores = rows[best >= 0], (scores + best)[best >= 0]
        for tag in without:
            left = ~np.isin(rows, self._with_tag(tag)[0], assume_unique=True)
            rows, scores = rows[left], scores[left]
        return rows, scores

    def _with_tag(self, tag: str) -> tuple[NDArray[np.int_], NDArray[np.float32]]:
        known = {matching_key(name): name for name in self._index.names()}
        name = known.get(matching_key(tag))
        if name is None and self.tagger.bank.vocabulary.find(tag) is None:
            raise InputError(f'no photo has been scored for "{tag}": run `ram retag --tags "{tag}"` first')
        return self._index.with_tag(tag if name is None else name)

    def _named(self, found: Iterable[tuple[int, float]]) -> list[FoundPhoto]:
        return [FoundPhoto(self.folder / self._index.path(row), score) for row, score in found]

    def _row_of(self, photo: Source) -> int:
        """Row of a photo of the library; -1 for any other."""
        if not isinstance(photo, (str, Path)):
            return -1
        row = self._index.row(Path(os.path.relpath(os.path.realpath(photo), os.path.realpath(self.folder))))
        return -1 if row is None else row
