"""Find which message of the package `ram` a text is, by patterns with holes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

PREFIX = "from_"
"""Begins the keys of messages."""
PARTS = ("describer", "fault", "forms", "kind", "tags")
"""Holes that hold a phrase. Its keys begin with "from_" and the hole's name, such as "from_kind_video"."""

_HOLE = re.compile(r"\{(\w+)\}")
_QUOTED = '"[^"]+"'
_SHAPES = {"tags": f"{_QUOTED}(?:(?:, | and ){_QUOTED})*"}
"""Regular expression of the values of a hole, by its name; the other holes take any text."""
_ONE_SENTENCE = r"(?:(?!\. ).)+(?<!\.)"
"""Regular expression of the value at the end of a message, which ends before a full stop and the next message."""


class MessagePatterns:
    """Patterns of messages and of the phrases in them.

    Args:
        texts: by key. A text with a key of a message is its pattern; each hole holds one character or more.
        reworded: by key, the patterns of messages that the page words in another way than `ram`.
    """

    def __init__(self, texts: Mapping[str, str], reworded: Mapping[str, Sequence[str]]) -> None:
        own = {key: (text,) for key, text in texts.items() if key.startswith(PREFIX)}
        patterns = [(pattern, key) for key, each in {**own, **reworded}.items() for pattern in each]
        patterns.sort(key=lambda one: -len(_HOLE.sub("", one[0])))
        self._patterns: dict[str, list[tuple[re.Pattern[str], str]]] = {}
        for pattern, key in patterns:
            self._patterns.setdefault(_part(key), []).append((_compiled(pattern, _part(key)), key))

    def find(self, text: str, part: str = "") -> tuple[str, dict[str, str]] | None:
        """Key and values of a message; of several patterns that match, the one with the most fixed characters counts.

        Args:
            text: the whole message.
            part: name of a hole, for the phrase in it; empty for a message.
        """
        for pattern, key in self._patterns.get(part, ()):
            if found := pattern.fullmatch(text):
                return key, found.groupdict()
        return None


def _part(key: str) -> str:
    """Name of the hole that the phrase with this key may fill; empty for a message."""
    return next((part for part in PARTS if key.startswith(f"{PREFIX}{part}_")), "")


def _compiled(pattern: str, part: str) -> re.Pattern[str]:
    """A regular expression with a group for each hole; a repeated hole holds the same text again."""
    words, seen = "", set()
    pieces = _HOLE.split(pattern)  # text, name, text, ...
    for index, piece in enumerate(pieces):
        if index % 2 == 0:
            words += re.escape(piece)
        elif piece in seen:
            words += f"(?P={piece})"
        else:
            at_end = not part and index == len(pieces) - 2 and not pieces[-1]
            words += f"(?P<{piece}>{_SHAPES.get(piece, _ONE_SENTENCE if at_end else '.+')})"
            seen.add(piece)
    return re.compile(words, re.DOTALL)
