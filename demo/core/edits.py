"""Edited sentences: of predefined tags for each photo and tag, of typed categories for each name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from demo.core.categories import Categories
from demo.core.photos import Photo
from ram.prediction import TagScore

MAX_KEPT = 200
"""Edited tags of one visitor, and as many categories; past that the one edited longest ago is forgotten."""


@dataclass(frozen=True)
class Edit:
    """A predefined tag with edited sentences.

    Args:
        categories: the tag alone.
        score: with these sentences, in the photo in which they were edited.
    """

    categories: Categories
    score: TagScore


@dataclass(frozen=True)
class Edits:
    """The edits of one visitor.

    Args:
        kept: by path of the photo and tag, the latest last.
        typed: categories that hold an edited one, by its name, the latest last.
    """

    kept: Mapping[tuple[str, str], Edit] = field(default_factory=dict)
    typed: Mapping[str, Categories] = field(default_factory=dict)

    def __deepcopy__(self, memo: Any) -> Edits:
        return self  # immutable

    def find(self, photo: Photo, tag: str) -> Categories | None:
        """The edited sentences of a tag in this photo; None where it is as the model has it."""
        edit = self.kept.get((photo.source, tag))
        return None if edit is None else edit.categories

    def scores(self, photo: Photo) -> dict[str, TagScore]:
        """Scores of the tags that are edited in this photo, by tag."""
        return {tag: edit.score for (source, tag), edit in self.kept.items() if source == photo.source}

    def keep(self, photo: Photo, tag: str, edit: Edit) -> Edits:
        """Keep an edit, or forget the tag where its sentences are as the model has them."""
        key = photo.source, tag
        kept = {other: one for other, one in self.kept.items() if other != key}
        if edit.categories.is_edited(tag):
            kept[key] = edit
        return replace(self, kept=dict(list(kept.items())[-MAX_KEPT:]))

    def keep_typed(self, tag: str, categories: Categories) -> Edits:
        """Keep a typed category, or forget it where its sentences are as they were described."""
        typed = {other: one for other, one in self.typed.items() if other != tag}
        if categories.is_edited(tag):
            typed[tag] = Categories((tag,)).adopt(tag, categories)
        return replace(self, typed=dict(list(typed.items())[-MAX_KEPT:]))
