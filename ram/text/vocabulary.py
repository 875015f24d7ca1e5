"""Ordered tags of a model: a tag's index is its id; each has a threshold, and may have a kind and a translation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

from ram.errors import InputError
from ram.text.files import read_table, write_table
from ram.text.names import matching_key

UNSEEN_THRESHOLD = 0.5
"""Threshold of a tag without a calibrated one (RAM++, section 4.1)."""

TagKind = Literal["object", "scene", "attribute", "action"]
KINDS: tuple[TagKind, ...] = get_args(TagKind)
COLUMNS = ("tag", "threshold", "kind", "translations")


@dataclass(frozen=True)
class TagVocabulary:
    """Ordered tags.

    Args:
        tags: names, all different.
        thresholds: one per tag, in 0..1. A tag is predicted when its probability is strictly greater, so never at 1.
        translations: one per tag in another language, or empty.
        kinds: one of `KINDS` or "" per tag, or empty.

    Raises:
        InputError: a name is empty or repeated, a threshold or a kind is invalid, or the lengths differ.
    """

    tags: tuple[str, ...]
    thresholds: tuple[float, ...]
    translations: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, values, required in (
            ("thresholds", self.thresholds, True),
            ("translations", self.translations, False),
            ("kinds", self.kinds, False),
        ):
            if (values or required) and len(values) != len(self.tags):
                raise InputError(f"vocabulary has {len(self.tags)} tags but {len(values)} {name}")
        seen: set[str] = set()
        for tag, threshold in zip(self.tags, self.thresholds, strict=True):
            if not tag.strip():
                raise InputError("vocabulary holds an empty tag: every tag needs a name")
            if tag in seen:
                raise InputError(f"vocabulary names {tag!r} twice: every tag needs a name of its own")
            if not 0.0 <= threshold <= 1.0:
                raise InputError(f"threshold of {tag!r} is {threshold}: it must lie between 0 and 1")
            seen.add(tag)
        if unknown := set(self.kinds) - {*KINDS, ""}:
            raise InputError(f"{sorted(unknown)[0]!r} is not a kind of tag: choose one of {', '.join(KINDS)}")

    @classmethod
    def of(cls, tags: Iterable[str], threshold: float = UNSEEN_THRESHOLD) -> TagVocabulary:
        """Tags that share one threshold."""
        names = tuple(tags)
        return cls(names, (threshold,) * len(names))

    def __len__(self) -> int:
        return len(self.tags)

    def __contains__(self, tag: object) -> bool:
        return tag in self._ids

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {tag: index for index, tag in enumerate(self.tags)}

    @cached_property
    def _by_key(self) -> dict[str, str]:
        """The first tag of every matching key."""
        return {matching_key(tag): tag for tag in reversed(self.tags)}

    def id(self, tag: str) -> int:
        """Index of a tag; InputError where it is not in the vocabulary."""
        try:
            return self._ids[tag]
        except KeyError:
            raise InputError(f"tag {tag!r} is not among the {len(self)} tags of this vocabulary") from None

    def find(self, name: str) -> str | None:
        """The tag of this name, ignoring case, accents and underscores, or the tag of this translation; else None."""
        if name in self._ids:
            return name
        return self._by_key.get(matching_key(name)) or self._by_translation.get(name)

    @cached_property
    def _by_translation(self) -> dict[str, str]:
        pairs = zip(reversed(self.translations), reversed(self.tags), strict=bool(self.translations))
        return {translation: tag for translation, tag in pairs if translation}

    def select(self, tags: Sequence[str]) -> TagVocabulary:
        """These tags only, in the order given; InputError where one is not in the vocabulary."""
        ids = [self.id(tag) for tag in tags]
        return TagVocabulary(
            tuple(self.tags[i] for i in ids),
            tuple(self.thresholds[i] for i in ids),
            tuple(self.translations[i] for i in ids) if self.translations else (),
            tuple(self.kinds[i] for i in ids) if self.kinds else (),
        )

    def join(self, other: TagVocabulary) -> TagVocabulary:
        """These tags followed by the other's; InputError where a name occurs in both."""

        def both(mine: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[str, ...]:
            return (mine or ("",) * len(self)) + (theirs or ("",) * len(other)) if mine or theirs else ()

        return TagVocabulary(
            self.tags + other.tags,
            self.thresholds + other.thresholds,
            both(self.translations, other.translations),
            both(self.kinds, other.kinds),
        )

    def with_thresholds(self, thresholds: Iterable[float]) -> TagVocabulary:
        """Copy the vocabulary with other thresholds."""
        return replace(self, thresholds=tuple(thresholds))

    def save(self, path: Path) -> None:
        """Write ``vocabulary.csv`` with the columns tag, threshold, kind and translations, atomically."""
        empty = ("",) * len(self)
        rows = zip(self.tags, self.thresholds, self.kinds or empty, self.translations or empty, strict=True)
        write_table(path, COLUMNS, rows)

    @classmethod
    def load(cls, path: Path) -> TagVocabulary:
        """Read what :meth:`save` or an earlier version wrote; kind and translations may be missing.

        Raises:
            InputError: the file cannot be read; the message names the line or the tag.
        """
        tags, thresholds, kinds, translations = [], [], [], []
        for line, row in read_table(path, ("tag", "threshold")):
            tags.append(row["tag"])
            thresholds.append(_read_number(row["threshold"], f"{path.name} line {line}"))
            kinds.append(row.get("kind", ""))
            translations.append(row.get("translations") or row.get("translation", ""))
        return cls(
            tuple(tags),
            tuple(thresholds),
            tuple(translations) if any(translations) else (),
            tuple(kinds) if any(kinds) else (),
        )


def make_unique(names: Iterable[str]) -> tuple[str, ...]:
    """Number repeated names: "train", "train (2)". Official lists repeat some names and identify tags by index."""
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(unique)


def _read_number(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{where}: threshold {text!r} is not a number") from None
