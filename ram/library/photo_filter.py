"""Which photos of a library a search is among: by tags, by kinds of tags, and by the day they were taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from ram.errors import InputError
from ram.labels.tag_tree import shipped_tree
from ram.library.photo_index import PhotoIndex
from ram.text.names import matching_key
from ram.text.vocabulary import KINDS, TagVocabulary

Rows = NDArray[np.int64]
Scores = NDArray[np.float32]


@dataclass(frozen=True)
class PhotoFilter:
    """Conditions on photos; all that are given must hold.

    Args:
        all, any, without: tags that a photo must have, must have one of, must not have.
        kinds: kinds of tags, or tags such as "animal": for each a photo must have a tag that is below it.
        since, until: first and last day that it may be taken on.
    """

    all: Sequence[str] = ()
    any: Sequence[str] = ()
    without: Sequence[str] = ()
    kinds: Sequence[str] = ()
    since: date | None = None
    until: date | None = None

    def __bool__(self) -> bool:
        return bool(self.all or self.any or self.without or self.kinds or self.since or self.until)

    def apply(self, index: PhotoIndex, own: TagVocabulary) -> tuple[Rows, Scores]:
        """Rows of the photos, in order, and the sum of the probabilities of the tags that they must have.

        Args:
            index: of the library.
            own: tags that every photo has been scored for.

        Raises:
            InputError: no photo has been scored for a tag.
        """
        named = _Names(index, own)
        rows = index.rows()
        if self.since or self.until:
            after = (self.until or date.max - timedelta(days=1)) + timedelta(days=1)
            rows = index.taken_between(self.since or date.min, after)
        scores = np.zeros(len(rows), np.float32)
        for tag in self.all:
            rows, scores = _having(rows, scores, *named.photos(tag))
        if self.any:
            found = [named.photos(tag) for tag in self.any]
            rows, scores = _having(rows, scores, *_best(found))
        for kind in self.kinds:
            rows, scores = _having(rows, scores, *index.with_tags(named.below(kind)), counted=False)
        for tag in self.without:
            left = ~np.isin(rows, named.photos(tag)[0], assume_unique=True)
            rows, scores = rows[left], scores[left]
        return rows, scores


class _Names:
    """Finds tags of a library in whichever case."""

    def __init__(self, index: PhotoIndex, own: TagVocabulary) -> None:
        self._index, self._own = index, own
        self._names = index.names()
        self._known = {matching_key(name): name for name in self._names}

    def photos(self, tag: str) -> tuple[Rows, Scores]:
        name = self._known.get(matching_key(tag))
        if name is None and self._own.find(tag) is None:
            raise InputError(f'no photo has been scored for "{tag}": run `ram retag --tags "{tag}"` first')
        return self._index.with_tag(tag if name is None else name)

    def below(self, kind: str) -> list[str]:
        tree = shipped_tree()
        is_below: Callable[[str], bool]
        if kind in KINDS:
            is_below = lambda name: tree.kind(name) == kind  # noqa: E731
        else:
            below = {matching_key(one) for one in (kind, *tree.below(kind))}
            is_below = lambda name: matching_key(name) in below  # noqa: E731
        return [name for name in self._names if is_below(name)]


def _having(
    rows: Rows, scores: Scores, found: Rows, probabilities: Scores, counted: bool = True
) -> tuple[Rows, Scores]:
    """Those of the rows that are found, all in order, with the probabilities added."""
    had = np.isin(rows, found, assume_unique=True)
    added = probabilities[np.isin(found, rows, assume_unique=True)] if counted else np.float32(0)
    return rows[had], scores[had] + added


def _best(found: Sequence[tuple[Rows, Scores]]) -> tuple[Rows, Scores]:
    """All rows of several tags, in order, with the highest probability of each."""
    together = np.concatenate([rows for rows, _ in found])
    rows, places = np.unique(together, return_inverse=True)
    best = np.zeros(len(rows), np.float32)
    np.maximum.at(best, places, np.concatenate([probabilities for _, probabilities in found]))
    return rows, best
