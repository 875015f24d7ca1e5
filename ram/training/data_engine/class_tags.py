"""Map ImageNet classes to tags: by a name that they share, and by the kind of a class."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ram.describers.wording import singulars

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class ClassTags:
    """The tags of one class.

    Args:
        name: the usual name of the class.
        same: the tag that has one of its names, or None.
        kinds: further tags that are present wherever the class is: "bird" and "animal" for a goldfinch.
    """

    name: str
    same: str | None
    kinds: frozenset[str]

    @property
    def tags(self) -> frozenset[str]:
        """All tags that are present where the class is."""
        return self.kinds if self.same is None else self.kinds | {self.same}


def class_tags(names: Sequence[Sequence[str]], tags: Mapping[str, str]) -> list[ClassTags]:
    """Return the tags of each class.

    Args:
        names: names of each class, the usual one first.
        tags: maps words in lower case to the tag that they mean.
    """
    groups = _groups()
    kinds: dict[int, set[str]] = {}
    for kind, ranges in groups["kinds"].items():
        for index in (index for first, last in ranges for index in range(first, last + 1) if kind in tags):
            kinds.setdefault(index, set()).add(tags[kind])
    listed = {name: kind for kind, group in groups["kinds_by_name"].items() for name in group}
    no_kind = set(groups["exceptions"]["not_of_the_kind_of_their_last_word"])
    other_senses = set(map(tuple, groups["exceptions"]["other_senses"]))
    found = []
    for index, all_names in enumerate(names):
        same = next(
            (tags[n] for n in map(str.casefold, all_names) if n in tags and (index, n) not in other_senses), None
        )
        usual = all_names[0].casefold()
        head = usual.rpartition(" ")[2] if " " in usual and usual not in no_kind else ""
        more = {tags[kind] for kind in (head, listed.get(usual, "")) if kind in tags}
        found.append(ClassTags(usual, same, frozenset(kinds.get(index, set()) | more) - {same}))
    return found


def excluded(name: str, words: Collection[str]) -> bool:
    """Tell whether a name is or contains one of these words, in singular or plural, in one word or several.

    "electric guitar" contains "guitar", and "cellphone" is "cell phone".
    """
    parts = [_forms(part) for part in _parts(name)]
    whole = _forms("".join(_parts(name)))
    for word in words:
        wanted = [_forms(part) for part in _parts(word)]
        starts = range(len(parts) - len(wanted) + 1)
        if any(all(map(set.intersection, parts[i : i + len(wanted)], wanted)) for i in starts):
            return True
        if whole & _forms("".join(_parts(word))):
            return True
    return False


def _parts(name: str) -> list[str]:
    return name.casefold().replace("-", " ").split()


def _forms(word: str) -> set[str]:
    """Return a word and its possible singulars; a wrong one excludes a little more."""
    return {word, word.removesuffix("es"), *singulars(word)}


@cache
def _groups() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("class_groups.toml").read_text(encoding="utf-8"))
