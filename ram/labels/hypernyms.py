"""Hypernyms: a photo of a lion is one of an animal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ram.errors import InputError
from ram.text.files import read_table, write_table


class Hypernyms(Mapping[str, frozenset[str]]):
    """Maps each tag to every tag that it implies, at any distance; a tag without any maps to the empty set.

    Args:
        direct: tag to the tags one step above it.

    Raises:
        InputError: a tag implies itself.
    """

    def __init__(self, direct: Mapping[str, Iterable[str]]) -> None:
        self.direct = {tag: tuple(above) for tag, above in direct.items()}
        self._all = {tag: self._climb(tag) for tag in self.direct}

    def __getitem__(self, tag: str) -> frozenset[str]:
        return self._all.get(tag, frozenset())

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def complete(self, tags: Iterable[str]) -> set[str]:
        """The tags with all that they imply."""
        given = set(tags)
        return given.union(*(self[tag] for tag in given))

    def _climb(self, tag: str) -> frozenset[str]:
        above: set[str] = set()
        waiting = list(self.direct[tag])
        while waiting:
            one = waiting.pop()
            if one == tag:
                raise InputError(f"{tag!r} is a hypernym of itself: remove one of the steps in between")
            if one not in above:
                above.add(one)
                waiting += self.direct.get(one, ())
        return frozenset(above)


def save_kinds(path: Path, kinds: Mapping[str, str], hypernyms: Hypernyms) -> None:
    """Write a CSV file with the columns tag, kind and hypernyms, these separated by semicolons."""
    rows = ((tag, kind, ";".join(hypernyms.direct.get(tag, ()))) for tag, kind in kinds.items())
    write_table(path, ("tag", "kind", "hypernyms"), rows)


def load_kinds(path: Path) -> tuple[dict[str, str], Hypernyms]:
    """Read what :func:`save_kinds` wrote: the kind of each tag, and the hypernyms.

    Raises:
        InputError: a column is missing, or a tag implies itself.
    """
    rows = [row for _, row in read_table(path, ("tag", "kind", "hypernyms"))]
    direct = {row["tag"]: tuple(filter(None, row["hypernyms"].split(";"))) for row in rows}
    return {row["tag"]: row["kind"] for row in rows}, Hypernyms({tag: above for tag, above in direct.items() if above})
