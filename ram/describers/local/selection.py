"""Select the usable ones of a small model's sentences: it repeats itself, loses the thread and gets things wrong."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ram.describers.wording import singulars
from ram.text.cleaning import clean_sentence
from ram.text.names import split_sense

Encode = Callable[[Sequence[str]], Any]
"""(n,) sentences to (n, dim) unit vectors."""

VERSION = "selection-1"
"""Changes when another sentence would be kept."""
MIN_WORDS, MAX_WORDS = 5, 35
MIN_SIMILARITY = 0.6
"""Least cosine of a sentence and the gloss, or the name where there is no gloss (MiniLM's space)."""
MAX_SIMILARITY = 0.95
"""Greatest cosine of a sentence and one that is kept already."""


class Selection:
    """Take sentences about one tag one by one and keep those that can be used.

    Args:
        tag: what the sentences are about.
        glosses: what it means; empty where that is unknown.
        encode: text encoder that compares sentences; None compares words only.
    """

    def __init__(self, tag: str, glosses: Sequence[str] = (), encode: Encode | None = None) -> None:
        word = split_sense(tag)[0].casefold()
        self._names = tuple(dict.fromkeys(_stem(name) for name in (word, *singulars(word))))
        self._encode = encode
        self._meanings = None if encode is None else _vectors(encode, [f"{word}: {one}" for one in glosses] or [word])
        self._kept: dict[str, Any] = {}

    def __len__(self) -> int:
        """Number of sentences kept."""
        return len(self._kept)

    def keep(self, text: str, finished: bool = True) -> str | None:
        """Return the cleaned sentence if it is kept, else None.

        Args:
            text: what the model wrote, untrusted.
            finished: whether it ended by itself.
        """
        sentence = clean_sentence(text)
        if not finished or not sentence or _MARKUP.search(sentence) or _NEGATION.search(sentence):
            return None
        sentence = f"{re.split(_END, sentence)[0].rstrip(' .,;:!?')}."
        words = re.findall(r"[\w'-]+", sentence.casefold())
        if not MIN_WORDS <= len(words) <= MAX_WORDS or not self._names_it(sentence) or self._repeats(words):
            return None
        if sentence.casefold() in self._kept:
            return None
        vector = None
        if self._encode is not None:
            (vector,) = _vectors(self._encode, [sentence])
            others = [float(vector @ other) for other in self._kept.values()]
            if max(self._meanings @ vector) < MIN_SIMILARITY or max(others, default=0.0) > MAX_SIMILARITY:
                return None
        self._kept[sentence.casefold()] = vector
        return sentence

    def _names_it(self, sentence: str) -> bool:
        """Whether a sentence has the name, and does not only say that a corgi is a corgi."""
        text = sentence.casefold()
        names = "|".join(map(re.escape, self._names))
        names_itself = re.search(rf"\b(is|are|has|have|like) (an? |the )?({names})\w*\b(?! [a-z])", text)
        return re.search(rf"\b({names})", text) is not None and not names_itself

    def _repeats(self, words: Sequence[str]) -> bool:
        """Whether a sentence goes round in circles: a word three times, or three words of it twice."""
        counted = Counter(word for word in words if len(word) > 3)
        runs = Counter(zip(words, words[1:], words[2:], strict=False))
        doubled = any(first == second for first, second in zip(words, words[1:], strict=False))
        return doubled or max(counted.values(), default=0) > 2 or max(runs.values(), default=0) > 1


def _stem(name: str) -> str:
    """Start of a name that its -ing form and plural share: "chas" of "chase", for "someone chasing"."""
    first, _, rest = name.partition(" ")
    return name if rest or len(first) < 4 else first.removesuffix("ing").removesuffix("e") or first


def _vectors(encode: Encode, sentences: Sequence[str]) -> Any:
    return np.asarray(encode(sentences), dtype=np.float32)


_END = r"(?<=[.!?])\s+(?=[A-Z])"
_NEGATION = re.compile(r"\b(not?|never|without|cannot)\b|n['’]t\b", re.IGNORECASE)
"""A text encoder hardly reads it: "no tail" is near photos of tails."""
_MARKUP = re.compile(r"[<>{}\[\]|\\=@_~^]|https?:|www\.")
