"""The photos of a library and their tags, in SQLite: which row of the looks is of which photo."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ram.errors import InputError

VERSION = "2"
_TABLES = """
CREATE TABLE IF NOT EXISTS facts(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS photos(
    row INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, size INTEGER, changed INTEGER, taken TEXT
);
CREATE INDEX IF NOT EXISTS days ON photos(taken);
CREATE TABLE IF NOT EXISTS tags(tag TEXT, row INTEGER, probability REAL, PRIMARY KEY(tag, row)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tags_of_rows ON tags(row);
CREATE TABLE IF NOT EXISTS thumbs(tag TEXT, path BLOB, up INTEGER, PRIMARY KEY(tag, path)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS thresholds(tag TEXT PRIMARY KEY, threshold REAL) WITHOUT ROWID;
"""
_NAMES = """
WITH RECURSIVE names(tag) AS (
    SELECT min(tag) FROM tags
    UNION ALL SELECT (SELECT min(tag) FROM tags WHERE tag > names.tag) FROM names WHERE tag > ""
)
SELECT tag FROM names WHERE tag > ""
"""
"""All tags, by a jump from each to the next: without reading the photos of each."""


@dataclass(frozen=True)
class PhotoState:
    """A photo's file as it was looked at.

    Args:
        path: relative to the folder of the library.
        size: bytes.
        changed: time of the last change in nanoseconds.
        taken: when the photo was taken, in ISO form.
    """

    path: Path
    size: int
    changed: int
    taken: str = field(default="", compare=False)

    @classmethod
    def of(cls, folder: Path, photo: Path) -> PhotoState:
        """The state of a photo below a folder; OSError where it is gone."""
        found = photo.stat()
        return cls(Path(os.path.relpath(photo, folder)), found.st_size, found.st_mtime_ns)


class PhotoIndex:
    """Photos and tags of a library; what changes them does so in one step.

    Args:
        path: of the database; made where it is missing.

    Raises:
        InputError: the file is no such database.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: tuple[tuple[int, int], NDArray[np.int64]] | None = None
        try:
            self._database = sqlite3.connect(path, check_same_thread=False)
            self._database.executescript(_TABLES)
        except sqlite3.Error as error:
            raise InputError(f"{path} cannot be used as the index of a library: {error}") from None

    def close(self) -> None:
        self._database.close()

    def facts(self) -> dict[str, str]:
        """Model, shape of a look and other settings that the library was made with, by name."""
        return dict(self._query("SELECT name, value FROM facts"))

    def save_facts(self, facts: Mapping[str, str]) -> None:
        """Write what the library is made with.

        Raises:
            OSError: the disk is full, for instance; nothing is changed.
        """
        with self._changing() as database:
            database.executemany("REPLACE INTO facts VALUES (?, ?)", facts.items())

    def photos(self) -> dict[Path, tuple[int, PhotoState]]:
        """Row and state of every photo, by its path relative to the folder."""
        found = self._query("SELECT row, path, size, changed FROM photos ORDER BY row")
        states = ((row, PhotoState(Path(os.fsdecode(path)), size, changed)) for row, path, size, changed in found)
        return {state.path: (row, state) for row, state in states}

    def rows(self) -> NDArray[np.int64]:
        """The rows of all photos, in order; not to be written to."""
        state = (self._query("PRAGMA data_version")[0][0], self._database.total_changes)  # by others, and by us
        if self._rows is None or self._rows[0] != state:
            found = self._query("SELECT row FROM photos ORDER BY row")
            self._rows = state, np.fromiter((row for (row,) in found), np.int64, len(found))
        return self._rows[1]

    def taken_between(self, first: date, after: date) -> NDArray[np.int64]:
        """Rows of the photos that were taken from a day on and before another, in order."""
        sql = "SELECT row FROM photos WHERE taken >= ? AND taken < ? ORDER BY row"
        return np.array([row for (row,) in self._query(sql, first.isoformat(), after.isoformat())], np.int64)

    def newest(self, most: int) -> list[int]:
        """Rows of the photos that were taken last, the last first."""
        return [row for (row,) in self._query("SELECT row FROM photos ORDER BY taken DESC, row LIMIT ?", most)]

    def photo(self, row: int) -> PhotoState | None:
        """The photo in a row; None where there is none."""
        if row >= 2**63:  # SQLite has no such number
            return None
        found = self._query("SELECT path, size, changed, taken FROM photos WHERE row = ?", row)
        return PhotoState(Path(os.fsdecode(found[0][0])), *found[0][1:]) if found else None

    def row(self, path: Path) -> int | None:
        """Row of a photo by its path relative to the folder; None where it is not in the library."""
        found = self._query("SELECT row FROM photos WHERE path = ?", os.fsencode(path))
        return found[0][0] if found else None

    def next_row(self) -> int:
        """The first row that is of no photo, and behind all others."""
        return int(self._query("SELECT coalesce(max(row) + 1, 0) FROM photos")[0][0])

    def add(self, photos: Sequence[PhotoState], tags: Sequence[Mapping[str, float]]) -> None:
        """Take up photos in the next rows, each with its tags, in one step; those of the same path are replaced.

        Raises:
            OSError: the disk is full, for instance; nothing is changed.
        """
        start = self.next_row()
        entries = [(start + i, os.fsencode(one.path), one.size, one.changed, one.taken) for i, one in enumerate(photos)]
        found = [(tag, start + i, value) for i, each in enumerate(tags) for tag, value in each.items()]
        with self._changing() as database:
            self._forget(photo.path for photo in photos)
            database.executemany("INSERT INTO photos VALUES (?, ?, ?, ?, ?)", entries)
            database.executemany("REPLACE INTO tags VALUES (?, ?, ?)", found)

    def forget(self, photos: Iterable[Path]) -> None:
        """Remove photos that are gone.

        Raises:
            OSError: the library cannot be written; nothing is changed.
        """
        with self._changing():
            self._forget(photos)

    def set_tag(self, tag: str, rows: Mapping[int, float]) -> None:
        """Give a tag to these rows, with probabilities, and to no others.

        Raises:
            OSError: the disk is full, for instance; nothing is changed.
        """
        found = [(tag, row, value) for row, value in rows.items()]
        with self._changing() as database:
            database.execute("DELETE FROM tags WHERE tag = ?", (tag,))
            database.executemany("INSERT INTO tags VALUES (?, ?, ?)", found)

    def tags(self) -> dict[str, int]:
        """All tags with the number of their photos."""
        return dict(self._query("SELECT tag, count(*) FROM tags GROUP BY tag ORDER BY tag"))

    def tags_of(self, row: int) -> dict[str, float]:
        """Tags of a photo with their probabilities, highest first."""
        return dict(self._query("SELECT tag, probability FROM tags WHERE row = ? ORDER BY probability DESC", row))

    def names(self) -> list[str]:
        """All tags."""
        return [tag for (tag,) in self._query(_NAMES)]

    def with_tag(self, tag: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Rows that have a tag, in order, and their probabilities."""
        found = self._query("SELECT row, probability FROM tags WHERE tag = ? ORDER BY row", tag)
        rows, probabilities = zip(*found, strict=True) if found else ((), ())
        return np.array(rows, np.int64), np.array(probabilities, np.float32)

    def set_thumb(self, row: int, tag: str, up: int) -> None:
        """Keep whether a tag is right (1) or wrong (-1) for the photo in a row; 0 forgets it.

        Raises:
            InputError: there is no such photo.
            OSError: the disk is full, for instance; nothing is changed.
        """
        state = self.photo(row)
        if state is None:
            raise InputError("that photo is no longer in the library")
        path = os.fsencode(state.path)
        with self._changing() as database:
            database.execute("DELETE FROM thumbs WHERE tag = ? AND path = ?", (tag, path))
            if up:
                database.execute("INSERT INTO thumbs VALUES (?, ?, ?)", (tag, path, 1 if up > 0 else -1))

    def thumbs(self) -> dict[str, dict[int, int]]:
        """By tag, 1 or -1 for the row of each photo that has a thumb and is in the library."""
        found: dict[str, dict[int, int]] = {}
        for tag, row, up in self._query("SELECT tag, row, up FROM thumbs JOIN photos USING (path) ORDER BY tag, row"):
            found.setdefault(tag, {})[row] = up
        return found

    def thumbs_of(self, row: int) -> dict[str, int]:
        """1 or -1 for each tag of a photo that has a thumb."""
        return dict(self._query("SELECT tag, up FROM thumbs JOIN photos USING (path) WHERE row = ?", row))

    def thresholds(self) -> dict[str, float]:
        """Thresholds that were learned, by tag."""
        return dict(self._query("SELECT tag, threshold FROM thresholds"))

    def save_threshold(self, tag: str, threshold: float) -> None:
        """Keep the threshold of a tag.

        Raises:
            OSError: the disk is full, for instance; nothing is changed.
        """
        with self._changing() as database:
            database.execute("REPLACE INTO thresholds VALUES (?, ?)", (tag, threshold))

    def with_tags(self, tags: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Rows that have any of these tags, in order, and a probability of 1 each."""
        found = [self.with_tag(tag)[0] for tag in tags]
        rows = np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)
        return rows, np.ones(len(rows), np.float32)

    def _forget(self, photos: Iterable[Path]) -> None:
        for photo in photos:
            name = (os.fsencode(photo),)
            self._database.execute("DELETE FROM tags WHERE row IN (SELECT row FROM photos WHERE path = ?)", name)
            self._database.execute("DELETE FROM photos WHERE path = ?", name)

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """Do all changes of a block, or none and raise an OSError: the disk is full, read-only, or in use for long."""
        try:
            with self._database as database:
                yield database
        except sqlite3.OperationalError as error:
            raise OSError(None, str(error), str(self._path)) from None

    def _query(self, sql: str, *values: object) -> list[tuple]:
        try:
            with closing(self._database.execute(sql, values)) as found:
                return found.fetchall()
        except sqlite3.DatabaseError as error:
            raise InputError(f"{self._path} cannot be read as the index of a library: {error}") from None
