"""Tags by their names in the languages of the page: shown so by the browser, and understood when a visitor types them.

Everything else keeps the English tag: links, exports and what programs read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from demo.core.texts import Text, language_of, languages, say
from ram.errors import InputError
from ram.labels.tag_names import LANGUAGES, TagNames, load_names
from ram.text.files import package_file, read_table
from ram.text.names import matching_key, parse_categories

PREFIX = "tag:"
"""Begins the keys of tags, unlike those of texts."""


class TagName(Text):
    """A tag, which the browser shows by its name in the visitor's language."""

    def __new__(cls, tag: str) -> TagName:
        name = str.__new__(cls, tag)
        name.key, name.values = PREFIX + tag, {}
        return name

    def __reduce__(self) -> tuple[Any, ...]:
        return TagName, (self.english,)


def tag_name(tag: str) -> str:
    """A tag as it is shown; as it is where no language of the page has a name for it."""
    return TagName(tag) if any(tag in names for names in _all().values()) else tag


def tag_list(tags: Sequence[str]) -> str:
    """ "dog, beach", for a text or an attribute."""
    names = [tag_name(tag) for tag in tags]
    shown = names.pop() if names else ""
    while names:
        shown = say("comma", first=names.pop(), rest=shown)
    return shown


def translated_tags(language: str) -> dict[str, str]:
    """The names in a language of the page, by key; empty in English."""
    names = _all().get(language)
    return {PREFIX + tag: names[tag] for tag in _tags() if tag in names} if names else {}


def names_to_type(tags: Iterable[str], language: str) -> list[str]:
    """The names of tags in a language of the page that :func:`in_english` understands; none in English."""
    names = _all().get(language)
    if names is None:
        return []
    pairs = [(tag, names[tag]) for tag in tags if tag in names]
    return [name for tag, name in pairs if matching_key(in_english(name, language)) == matching_key(tag)]


def visitors_language(accepted: str, chosen: str) -> str:
    """The language that a visitor has chosen in the page's settings, else those of the browser.

    Args:
        accepted: the browser's header Accept-Language.
        chosen: code of a language; ignored unless the page has it.
    """
    return chosen if chosen in languages() else accepted


def in_english(text: str, accepted: str) -> str:
    """Typed categories with the tag in place of each name in the visitor's language; a word that is a tag itself stays.

    Args:
        text: as typed; text that is no list of categories stays.
        accepted: languages as in the header Accept-Language, the first of which is the visitor's.
    """
    names = _all().get(language_of(accepted))
    if names is None:
        return text
    try:
        typed = parse_categories(text)
    except InputError:
        return text
    return ", ".join(one if one in names else names.tag(one) for one in typed)


@cache
def _tags() -> tuple[str, ...]:
    """Tags that have names, as they are spelled; `TagNames` ignores hyphens."""
    files = [package_file(f"labels/languages/{name}.csv") for name in ("kinds", "tags")]
    return tuple(row["tag"] for file in files for _, row in read_table(file, ("tag",)))


@cache
def _all() -> dict[str, TagNames]:
    """Names by language of the page, English left out."""
    short = {code: code.partition("-")[0] for code in languages()}
    return {code: load_names(name) for code, name in short.items() if name in LANGUAGES}
