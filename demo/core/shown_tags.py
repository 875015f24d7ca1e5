"""Tags by their names in the languages of the page: shown so by the browser, and understood when a visitor types them.

Everything else keeps the English tag: links, exports and what programs read.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from demo.core.texts import Text, languages, say
from ram.errors import InputError
from ram.labels.tag_names import LANGUAGES, TagNames, load_names
from ram.text.names import parse_categories

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
    return {PREFIX + tag: name for tag, name in _all()[language].items()} if language in _all() else {}


def in_english(text: str, accepted: str) -> str:
    """Typed categories with the tag in place of each name in the visitor's language; a word that is a tag itself stays.

    Args:
        text: as typed; text that is no list of categories stays.
        accepted: the browser's header Accept-Language, whose first language is the visitor's.
    """
    names = _all().get(_page_language(accepted))
    if names is None:
        return text
    try:
        typed = parse_categories(text)
    except InputError:
        return text
    return ", ".join(one if one in names else names.tag(one) for one in typed)


def _page_language(accepted: str) -> str:
    first = accepted.partition(",")[0].partition(";")[0].strip().partition("-")[0].lower()
    return next((code for code in _all() if code.partition("-")[0] == first), "")


@cache
def _all() -> dict[str, TagNames]:
    """Names by language of the page, English left out."""
    short = {code: code.partition("-")[0] for code in languages()}
    return {code: load_names(name) for code, name in short.items() if name in LANGUAGES}
