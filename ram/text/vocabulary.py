"""The tags a model knows: their order is their id, each with a threshold and perhaps a translation."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

UNSEEN_THRESHOLD = 0.5
"""Threshold of a tag that nothing was calibrated for (RAM++, section 4.1)."""


@dataclass(frozen=True)
class TagVocabulary:
    """Ordered tags.

    Args:
        tags: names, all different.
        thresholds: one a tag, in 0..1; a tag is shown when its probability is strictly over it: never at 1.
        translations: one a tag in another language, or empty.

    Raises:
        ValueError: a name is empty or repeated, or the lengths differ.
    """

    tags: tuple[str, ...]
    thresholds: tuple[float, ...]
    translations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.thresholds) != len(self.tags):
            raise ValueError(f"vocabulary has {len(self.tags)} tags but {len(self.thresholds)} thresholds")
        if self.translations and len(self.translations) != len(self.tags):
            raise ValueError(
                f"vocabulary has {len(self.tags)} tags but {len(self.translations)} translations"
            )
        seen: set[str] = set()
        for tag, threshold in zip(self.tags, self.thresholds, strict=True):
            if not tag.strip():
                raise ValueError("vocabulary holds an empty tag: every tag needs a name")
            if tag in seen:
                raise ValueError(f"vocabulary names {tag!r} twice: every tag needs a name of its own")
            if not 0.0 <= threshold <= 1.0:
                raise ValueError(f"threshold of {tag!r} is {threshold}: it must lie between 0 and 1")
            seen.add(tag)

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

    @property
    def _all_translations(self) -> tuple[str, ...]:
        return self.translations or ("",) * len(self)

    def id(self, tag: str) -> int:
        """Position of ``tag``; ValueError when it is not here."""
        try:
            return self._ids[tag]
        except KeyError:
            raise ValueError(f"tag {tag!r} is not among the {len(self)} tags of this vocabulary") from None

    def select(self, tags: Sequence[str]) -> TagVocabulary:
        """These tags only, in the order given."""
        ids = [self.id(tag) for tag in tags]
        return TagVocabulary(
            tuple(self.tags[i] for i in ids),
            tuple(self.thresholds[i] for i in ids),
            tuple(self.translations[i] for i in ids) if self.translations else (),
        )

    def join(self, other: TagVocabulary) -> TagVocabulary:
        """These tags followed by the other's; ValueError when a name occurs in both."""
        translations: tuple[str, ...] = ()
        if self.translations or other.translations:
            translations = self._all_translations + other._all_translations
        return TagVocabulary(self.tags + other.tags, self.thresholds + other.thresholds, translations)

    def save(self, path: Path) -> None:
        """Write ``vocabulary.csv``: tag, threshold, translation; a kill leaves what was there, or all of the new."""
        partial = path.with_name(f"{path.name}.partial")
        with open(partial, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("tag", "threshold", "translation"))
            writer.writerows(zip(self.tags, self.thresholds, self._all_translations, strict=True))
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> TagVocabulary:
        """Read what :meth:`save` wrote; ValueError names the file, or the tag, that cannot be read."""
        tags, thresholds, translations = [], [], []
        try:
            with open(path, encoding="utf-8-sig", newline="") as file:  # spreadsheets put a mark in front
                rows = csv.DictReader(file)
                if not {"tag", "threshold"} <= set(rows.fieldnames or ()):
                    raise ValueError(f"{path.name} needs the columns tag and threshold, perhaps translation")
                for row in rows:
                    tags.append(row["tag"] or "")
                    thresholds.append(_number(row["threshold"], f"{path.name} line {rows.line_num}"))
                    translations.append(row.get("translation") or "")
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{path.name} cannot be read as comma-separated UTF-8 text: {error}") from None
        return cls(tuple(tags), tuple(thresholds), tuple(translations) if any(translations) else ())


def told_apart(names: Iterable[str]) -> tuple[str, ...]:
    """Names of which none is twice, in order: "train", "train (2)". Official lists repeat some, and go by position."""
    seen: dict[str, int] = {}
    apart = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        apart.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(apart)


def _number(text: str | None, where: str) -> float:
    try:
        return float(text or "")
    except ValueError:
        raise ValueError(f"{where}: threshold {text!r} is not a number") from None
