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

from demo.core.message_patterns import PREFIX, MessagePatterns
from ram.errors import InputError

LANGUAGES = Path(__file__).parents[1] / "languages"
"""Folder of the texts, a JSON file a language, named by its code."""
ENGLISH = "en"
PATTERNS = PREFIX
"""Begins the keys of texts that the package `ram` writes itself; they are recognised by their words."""
REWORDED = Path(__file__).with_name("reworded.json")
"""Messages of `ram` by the key of what the page says instead, because a visitor cannot follow their advice."""
REASON = "reason"
"""Name of the holes that hold another message."""

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

    def in_language(self, language: str) -> str:
        """The text in a language of the page, in English where it has none."""
        values = {name: v.in_language(language) if isinstance(v, Text) else v for name, v in self.values.items()}
        return fill(texts(language).get(self.key, self.english), values)

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
    """A text, or a message of the package `ram`, as a sentence with a full stop."""
    known = text if isinstance(text, Text) else recognise(text)
    if isinstance(known, Text):
        return known if known.endswith(".") else say("sentence", text=known)
    return say("sentence", text=known.rstrip("."))


def recognise(text: str) -> str:
    """A message of the package `ram`, or several, as the text that the page shows for it; any other text as it is."""
    if found := _message(text):
        return found
    for end in re.finditer(r"(?<=\.) ", text):
        if first := _message(text[: end.start()]):
            rest = recognise(text[end.end() :])
            if isinstance(rest, Text):
                return say("one_and_another", first=first, rest=rest)
    return text


def language_of(accepted: str) -> str:
    """The language of the page for a header Accept-Language, by its first language; English where there is none."""
    first = accepted.partition(",")[0].partition(";")[0].strip().partition("-")[0].lower()
    return next((code for code in languages() if code.partition("-")[0] == first), ENGLISH)


@cache
def texts(language: str) -> Mapping[str, str]:
    """All texts of a language by key."""
    known = json.loads((LANGUAGES / f"{language}.json").read_text(encoding="utf-8"))
    return {key: text if isinstance(text, str) else "".join(text) for key, text in known.items()}


def languages() -> dict[str, Mapping[str, str]]:
    """All texts by language."""
    return {path.stem: texts(path.stem) for path in sorted(LANGUAGES.glob("*.json"))}


@cache
def _patterns() -> MessagePatterns:
    return MessagePatterns(texts(ENGLISH), json.loads(REWORDED.read_text(encoding="utf-8")))


def _message(text: str) -> Text | None:
    """One message, with or without a full stop."""
    if found := _phrase(text):
        return found
    found = _phrase(text[:-1]) if text.endswith(".") else None
    return say("sentence", text=found) if found else None


def _phrase(text: str, part: str = "") -> Text | None:
    """A message, or the phrase in a hole of this name; it keeps the values that the page shows."""
    found = _patterns().find(text, part)
    if found is None:
        return None
    key, values = found
    shown = {hole[1] for hole in _HOLE.finditer(texts(ENGLISH)[key])}
    return Text(key, {name: _value(name, value) for name, value in values.items() if name in shown})


def _value(hole: str, text: str) -> str:
    """The value of a hole: a text of the page where there is one for these words, else the words themselves."""
    return recognise(text) if hole == REASON else _phrase(text, hole) or text


def _plain(value: Any) -> Any:
    """Texts as lists of key and values, other values as they are."""
    if isinstance(value, Text):
        return [value.key, {name: _plain(one) for name, one in value.values.items()}]
    return value if isinstance(value, int) else str(value)
