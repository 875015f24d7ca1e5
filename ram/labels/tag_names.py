"""Names of tags in other languages, by sense; a tag without one keeps its English name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from ram.errors import InputError
from ram.text.files import package_file, read_table
from ram.text.names import matching_key
from ram.text.vocabulary import KINDS, TagVocabulary

ENGLISH = "en"
LANGUAGES = {
    "de": "German", "es": "Spanish", "fr": "French", "it": "Italian", "pt": "Portuguese", "zh": "Chinese",
}  # fmt: skip
"""Languages that tags have names in, by code."""


class TagNames:
    """Names of tags in one language.

    Args:
        names: by tag.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = {matching_key(tag): name for tag, name in names.items()}

    def __getitem__(self, tag: str) -> str:
        """The name of a tag, the tag itself where it has none."""
        return self._names.get(matching_key(tag), tag)

    def __contains__(self, tag: object) -> bool:
        return isinstance(tag, str) and matching_key(tag) in self._names

    def __len__(self) -> int:
        return len(self._names)

    def items(self) -> Iterable[tuple[str, str]]:
        """Tags in lower case, each with its name."""
        return self._names.items()

    @cached_property
    def _tags(self) -> dict[str, str]:
        return {matching_key(name): tag for tag, name in reversed(self._names.items())}

    def tag(self, name: str) -> str:
        """The tag of a name in this language, in whichever case; the name itself where there is none."""
        return self._tags.get(matching_key(name), name)

    def tags(self, names: Iterable[str]) -> list[str]:
        """The tag of each name."""
        return [self.tag(name) for name in names]

    def translate(self, vocabulary: TagVocabulary) -> TagVocabulary:
        """The vocabulary with these names as its translations; one that it has already stays where this has none."""
        given = vocabulary.translations or ("",) * len(vocabulary)
        found = (self[tag] if tag in self else own for tag, own in zip(vocabulary.tags, given, strict=True))
        return replace(vocabulary, translations=tuple(found))


def load_names(language: str) -> TagNames:
    """The names of the package in a language: of the tags of the everyday label system, and of the kinds.

    Args:
        language: one of `LANGUAGES`, or "en", in which there are none to look up.

    Raises:
        InputError: there are no names in it.
    """
    if language == ENGLISH:
        return TagNames({})
    if language not in LANGUAGES:
        known = ", ".join(f"{code} ({name})" for code, name in LANGUAGES.items())
        raise InputError(f"tags have no names in {language!r}: choose {ENGLISH}, {known}")
    files: Sequence[str] = ("kinds", "tags")
    rows = [row for name in files for _, row in read_table(package_file(f"labels/languages/{name}.csv"), ("tag",))]
    return TagNames({row["tag"]: row[language] for row in rows if row.get(language)})


def kind_names(names: TagNames) -> dict[str, str]:
    """The name of each kind of tag."""
    return {kind: names[kind] for kind in KINDS}
