"""Texts of the page by key, in English, with what the browser needs to show them in the visitor's language.

`demo/languages/` has one file of texts a language. A text may have holes: ``{name}`` for a value, and
``{count|photo|photos}`` for the first word where the value is 1 and the second one otherwise. A long text is a list of
lines, which are put together as they stand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ram.errors import InputError

LANGUAGES = Path(__file__).parents[1] / "languages"
"""Folder of the texts, a JSON file a language, named by its code."""
ENGLISH = "en"
PATTERNS = "from_"
"""Begins the keys of texts that the package `ram` writes itself; they are recognised by their words."""

_HOLE = re.compile(r"\{(\w+)(?:\|([^{}|]*)\|([^{}|]*))?\}")


class Text(str):
    """A text in English that knows its key and values, so that the browser can show it in another language.

    Args:
        key: in the files of texts.
        values: for its holes: words, whole numbers or other texts.

    Raises:
        KeyError: there is no such text.
    """

    key: str
    values: Mapping[str, Any]

    def __new__(cls, key: str, values: Mapping[str, Any]) -> Text:
        text = super().__new__(cls, fill(texts(ENGLISH)[key], values))
        text.key, text.values = key, dict(values)
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        return Text, (self.key, self.values)

    @property
    def english(self) -> str:
        """The text alone."""
        return str(self)

    @property
    def specification(self) -> str:
        """Key and values as JSON, as `languages.html` reads them."""
        return json.dumps(_plain(self), ensure_ascii=False)


def say(key: str, **values: Any) -> Text:
    """The text with this key and these values."""
    return Text(key, values)


def input_error(key: str, **values: Any) -> InputError:
    """An error whose message is the text with this key."""
    return InputError(say(key, **values))


def together(names: Sequence[str]) -> str:
    """ "RAM++, RAM and CLIP"."""
    *others, last = names
    return say("and", others=", ".join(others), last=last) if others else last


def fill(text: str, values: Mapping[str, Any]) -> str:
    """Put values into the holes of a text."""

    def filled(hole: re.Match[str]) -> str:
        name, one, other = hole.groups()
        value = values[name]
        if one is not None:
            return str(one if value == 1 else other)
        return f"{value:,}" if isinstance(value, int) else str(value)

    return _HOLE.sub(filled, text)


def sentence(text: str) -> Text:
    """A text as a sentence with a full stop."""
    bare = text if isinstance(text, Text) else recognise(text.rstrip("."))
    return say("sentence", text=bare)


def recognise(text: str) -> str:
    """A message of the package `ram` as a text, if it is among those that are translated; else as it is."""
    for key, pattern in _patterns().items():
        if found := pattern.fullmatch(text):
            return Text(key, found.groupdict())
    return text


@cache
def texts(language: str) -> Mapping[str, str]:
    """All texts of a language by key."""
    known = json.loads((LANGUAGES / f"{language}.json").read_text(encoding="utf-8"))
    return {key: text if isinstance(text, str) else "".join(text) for key, text in known.items()}


def languages() -> dict[str, Mapping[str, str]]:
    """All texts by language."""
    return {path.stem: texts(path.stem) for path in sorted(LANGUAGES.glob("*.json"))}


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    """Patterns of the messages that `ram` writes, by key; each hole becomes a group."""
    found = {}
    for key, text in texts(ENGLISH).items():
        if key.startswith(PATTERNS):
            parts = _HOLE.split(text)  # text, name, one, other, text, ...
            words, names = parts[::4], parts[1::4]
            groups = [f"(?P<{name}>.+)" for name in names] + [""]
            found[key] = re.compile("".join(re.escape(w) + g for w, g in zip(words, groups, strict=True)), re.DOTALL)
    return found


def _plain(value: Any) -> Any:
    """Texts as lists of key and values, other values as they are."""
    if isinstance(value, Text):
        return [value.key, {name: _plain(one) for name, one in value.values.items()}]
    return value if isinstance(value, int) else str(value)
