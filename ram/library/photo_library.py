"""A folder of photos with its looks and tags: add, retag, search, undo."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import astuple, replace
from datetime import date
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np

from ram.errors import ImageError, InputError
from ram.export.formats import Record
from ram.images.folders import find_images
from ram.images.given import Source
from ram.labels.tag_names import TagNames
from ram.library.dates import taken
from ram.library.folder_lock import locked_alone
from ram.library.found_photos import Added, FoundPhoto
from ram.library.look_ranking import by_cosine, highest, nearest_looks, nearest_to_sentence, score_looks
from ram.library.looks import LookShape, LookStore
from ram.library.photo_faults import gathered
from ram.library.photo_filter import PhotoFilter
from ram.library.photo_index import VERSION, PhotoIndex, PhotoState
from ram.models.image_encoder import ImageFeatures
from ram.runtime import Progress, quiet
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank
from ram.text.tags_in_text import TagsInText

HOME = ".ram"
"""Folder of a library within the folder of the photos; programs leave hidden folders alone."""
SHORTLIST = 2000
"""Photos that are scored exactly for a new category."""
BATCH = 64
"""Photos that are taken up in one step."""


class _Writer(Protocol):
    def add(self, photo: Path, record: Record, /) -> object: ...

    def undo(self, photo: Path, /) -> tuple[str, ...]: ...


class PhotoLibrary:
    """The looks and tags of a folder of photos, kept in a folder of its own.

    Args:
        folder: of the photos.
        tagger: all looks are of its model.
        home: where the looks are; ``.ram`` in the folder where None.

    Attributes:
        index: photos and tags.
        home: where they and the looks are.

    Raises:
        InputError: the folder does not exist, or holds a library of another model.
        OSError: the library cannot be made there.
    """

    def __init__(self, folder: str | Path, tagger: Tagger, home: str | Path | None = None) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise InputError(f"there is no folder {self.folder}: check the path")
        self.tagger = tagger
        self.home = self.folder / HOME if home is None else Path(home)
        self.home.mkdir(parents=True, exist_ok=True)
        self.index = PhotoIndex(self.home / "library.sqlite")
        self._store: LookStore | None = None
        if facts := self.index.facts():
            wanted = self._facts()
            if {name: facts.get(name) for name in wanted} != wanted:
                raise InputError(
                    f"the library in {self.home} is of {facts.get('model')}, with other weights or of another "
                    f"version than {tagger.name} here: remove it, or name another place with --library"
                )
            self._store = LookStore(self.home, LookShape(*map(int, facts["shape"].split())))

    def __len__(self) -> int:
        """Number of photos."""
        return len(self.index.rows())

    def close(self) -> None:
        """Close the index."""
        self.index.close()

    @property
    def tags(self) -> dict[str, int]:
        """All tags with the number of their photos."""
        return self.index.tags()

    def add(self, progress: Progress = quiet) -> Added:
        """Look at the photos of the folder that are new or have changed, and keep their looks and tags.

        After a stop the next call goes on.

        Raises:
            InputError: another run writes to the library.
            ImageError: the folder holds no photo.
            OSError: the disk is full, for instance; what was taken up before stays.
        """
        with locked_alone(self.home):
            known = self.index.photos()
            photos = find_images([self.folder])
            states = {photo: state for photo in photos if (state := self._state(photo)) is not None}
            gone = known.keys() - {state.path for state in states.values()}
            self.index.forget(gone)
            new = [photo for photo, one in states.items() if one.path not in known or known[one.path][1] != one]
            faults: list[tuple[Path, str]] = []
            looks = zip(new, self.tagger.look_through(new), strict=True)
            done = 0
            while batch := list(islice(looks, BATCH)):
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
        with locked_alone(self.home):
            rows, store = self.index.rows(), self.looks()
            alone = [bank.select([tag]) for tag in bank.vocabulary.tags]
            near = [rows] * len(bank)
            if shortlist is not None and shortlist < len(rows):
                near = nearest_looks(self.tagger, store, rows, bank, shortlist)
            found = {}
            for one, chosen in zip(alone, near, strict=True):
                (tag,), (threshold,) = one.vocabulary.tags, one.vocabulary.thresholds
                probabilities = score_looks(self.tagger, store, chosen, one, progress)[:, 0].sigmoid().numpy()
                over = {int(chosen[i]): float(probabilities[i]) for i in np.flatnonzero(probabilities > threshold)}
                self.index.set_tag(tag, over)
                found[tag] = self._named(sorted(over.items(), key=lambda item: -item[1]))
            return found

    def search(
        self,
        words: str | None = None,
        *,
        all: Sequence[str] = (),
        any: Sequence[str] = (),
        without: Sequence[str] = (),
        kinds: Sequence[str] = (),
        since: date | None = None,
        until: date | None = None,
        like: Source | None = None,
        most: int = 20,
    ) -> list[FoundPhoto]:
        """Find photos by tags, days, a sentence, or another photo; what is given together must hold together.

        Args:
            words: a sentence; see :func:`ram.library.look_ranking.nearest_to_sentence`.
            all, any, without, kinds, since, until: see :class:`ram.library.photo_filter.PhotoFilter`.
            like: a photo; those with the nearest pooled tokens come first, itself left out.
            most: how many to return.

        Raises:
            InputError: nothing is asked for, both a sentence and a photo are given, or no photo has a tag.
            ImageError: the photo cannot be read.
            TextEncoderError: the model reads no texts.
        """
        wanted = PhotoFilter(all, any, without, kinds, since, until)
        if not (words or wanted or like is not None):
            raise InputError("nothing to search for: give a sentence, tags, or a photo")
        if words and like is not None:
            raise InputError("give a sentence or a photo, not both")
        rows, scores = wanted.apply(self.index, self.tagger.bank.vocabulary)
        if not len(rows):
            return []
        store = self.looks()
        if words:
            named = [self.tagger.bank.vocabulary.tags[i] for i in self._tags_in_text.find(words)]
            rows, scores = nearest_to_sentence(self.tagger, store, rows, words, most, named)
        elif like is not None:
            itself = self._row_of(like)
            kept = itself in self.index.rows()
            towards = store.pooled(np.array([itself]))[0] if kept else self.tagger.look(like).pooled[0]
            scores = by_cosine(store, rows, towards)
            rows, scores = rows[rows != itself], scores[rows != itself]
        order = highest(scores, most)
        return self._named(zip(rows[order].tolist(), scores[order].tolist(), strict=True))

    @cached_property
    def _tags_in_text(self) -> TagsInText:
        return TagsInText(self.tagger.bank.vocabulary.tags)

    def newest(self, most: int = 20) -> list[FoundPhoto]:
        """The photos that were taken last, the last first."""
        return self._named((row, 0.0) for row in self.index.newest(most))

    def write(self, writer: _Writer, names: TagNames | None = None) -> list[tuple[Path, str]]:
        """Write the tags of every photo with a writer, such as :class:`ram.library.sidecars.Sidecars`.

        A photo whose tags cannot be written stops no other one: its sidecar is no XMP, for instance.

        Args:
            writer: of tags.
            names: of tags in another language.

        Returns:
            Photos whose tags cannot be written, each with the reason.

        Raises:
            OSError: the disk is full, for instance; the photos before have their tags.
        """
        faults: list[tuple[Path, str]] = []
        for path, (row, _) in self.index.photos().items():
            tags = list(self.index.tags_of(row))
            scores = [{"tag": tag, "translation": "" if names is None else names[tag]} for tag in tags]
            record = {"model": self.tagger.name, "tags": tags, "scores": scores}
            reasons: list[str] = []
            with gathered(path, reasons):
                writer.add(self.folder / path, record)
            faults += [(self.folder / path, reason) for reason in reasons]
        return faults

    def undo(self, writer: _Writer) -> int:
        """Take the tags out again that a writer of this kind wrote, for every photo; gives how many had some."""
        return sum(bool(writer.undo(self.folder / path)) for path in self.index.photos())

    def _facts(self) -> dict[str, str]:
        weights = 0
        for part in self.tagger.model.state_dict().values():
            weights = zlib.crc32(part.half().cpu().numpy().tobytes(), weights)
        return {"version": VERSION, "model": self.tagger.name, "weights": f"{weights:08x}"}

    def looks(self) -> LookStore:
        """The kept looks.

        Raises:
            InputError: there are none.
        """
        if self._store is None:
            raise InputError(f"there are no looks of {self.folder}: run `ram library add` first")
        return self._store

    def _state(self, photo: Path) -> PhotoState | None:
        try:
            return PhotoState.of(self.folder, photo)
        except OSError:  # meanwhile
            return None

    def _taken(self, state: PhotoState) -> str:
        try:
            return taken(self.folder / state.path).isoformat()
        except OSError:  # gone meanwhile
            return ""

    def _take_up(self, batch: Sequence[tuple[PhotoState, ImageFeatures]]) -> None:
        if not batch:
            return
        looks = ImageFeatures.join([features for _, features in batch])
        if self._store is None:
            shape = LookShape.of(looks)
            self.index.save_facts(self._facts() | {"shape": " ".join(map(str, astuple(shape)))})
            self._store = LookStore(self.home, shape)
        self._store.write(self.index.next_row(), looks)
        learned, own = self.index.thresholds(), self.tagger.bank.vocabulary
        pairs = zip(own.tags, own.thresholds, strict=True)
        vocabulary = own.with_thresholds(learned.get(tag, threshold) for tag, threshold in pairs)
        predictions = [replace(self.tagger.score(features), vocabulary=vocabulary) for _, features in batch]
        tags = [{score.tag: score.probability for score in prediction.above()} for prediction in predictions]
        self.index.add([replace(state, taken=self._taken(state)) for state, _ in batch], tags)

    def _named(self, found: Iterable[tuple[int, float]]) -> list[FoundPhoto]:
        states = ((row, score, self.index.photo(row)) for row, score in found)
        return [FoundPhoto(self.folder / one.path, score, row) for row, score, one in states if one is not None]

    def _row_of(self, photo: Source) -> int:
        """Row of a photo of the library; -1 for any other."""
        if not isinstance(photo, (str, Path)):
            return -1
        row = self.index.row(Path(os.path.relpath(os.path.realpath(photo), os.path.realpath(self.folder))))
        return -1 if row is None else row
