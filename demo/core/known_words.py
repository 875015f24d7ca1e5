"""Words to type: tags, also by their names in other languages, and the lexicon, found by what has been typed so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ram.describers.lexicon.synsets import Lexicon, Synset
from ram.errors import InputError
from ram.text.names import MAX_NAME_LENGTH, matching_key, normalize_category

MAX_FOUND = 8
"""Completions of one text."""


@dataclass(frozen=True)
class Completion:
    """A word that goes on as typed.

    Args:
        word: as it is shown and scored.
        predefined: whether it is a tag of the model.
    """

    word: str
    predefined: bool


class KnownWords:
    """Finds words by their beginning.

    Args:
        tags: the model's own, those that are more frequent first.
        lexicon: further words; none where it is None.
        names: of tags in other languages, by code.
    """

    def __init__(
        self, tags: Iterable[str], lexicon: Lexicon | None = None, names: Mapping[str, Iterable[str]] | None = None
    ) -> None:
        words = [Completion(tag, True) for tag in tags] + [Completion(name, False) for name in _names(lexicon)]
        self._words = _once(words)
        self._names = {code: _once(Completion(name, True) for name in own) for code, own in (names or {}).items()}

    def find(self, text: str, language: str = "") -> list[Completion]:
        """Words that begin with a text, then those with a later word that does; at most :data:`MAX_FOUND`.

        Case, accents and hyphens are ignored. Nothing is found for an empty text or one longer than a category.

        Args:
            text: what has been typed.
            language: code of the visitor's, whose names of tags come before English words.
        """
        if len(text) > MAX_NAME_LENGTH or not (key := " ".join(matching_key(text).split())):
            return []
        words = [*self._names.get(language, ()), *self._words]
        found = [word for known, word in words if known.startswith(key)][: 2 * MAX_FOUND]  # some are in both lists
        if len(found) < 2 * MAX_FOUND:
            inside = f" {key}"
            found += [word for known, word in words if inside in known and not known.startswith(key)]
        return [word for _, word in _once(found[: 2 * MAX_FOUND])][:MAX_FOUND]


def _once(words: Iterable[Completion]) -> list[tuple[str, Completion]]:
    """Words by their keys, the first one of each key."""
    by_key: dict[str, Completion] = {}
    for one in words:
        by_key.setdefault(matching_key(one.word), one)
    return list(by_key.items())


def _names(lexicon: Lexicon | None) -> list[str]:
    """Names of all synsets that can be typed: of those that are photographed most first, their usual name first."""
    if lexicon is None:
        return []
    ranked: dict[str, tuple[int, int, int]] = {}
    for synset in lexicon.all_synsets():
        for position, name in enumerate(synset.names):
            if _can_be_typed(name):
                rank = (-synset.photos, min(position, 3), len(name))
                ranked[name] = min(rank, ranked.get(name, rank))
    return sorted(ranked, key=lambda name: (*ranked[name], name))


def _can_be_typed(name: str) -> bool:
    try:
        return normalize_category(name) == name
    except InputError:
        return False


def usual_name(synset: Synset) -> str:
    """The first name of a synset that can be typed, or ""."""
    return next((name for name in synset.names if _can_be_typed(name)), "")
