"""Find the tags of a vocabulary that a sentence names, word by word, without a parser."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ram.describers.wording import singulars
from ram.text.names import matching_key

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")


class TagsInText:
    """Finds tags by their names: the longest first, the plural too, whatever the case; "hot dogs" is no "dog".

    A name with its sense, "crane (bird)", is found by nothing: the words do not tell which crane it is.

    Args:
        tags: names; the index of the first counts where two are alike.
    """

    def __init__(self, tags: Iterable[str]) -> None:
        self._index: dict[str, int] = {}
        for index, tag in enumerate(tags):
            self._index.setdefault(matching_key(tag), index)
        self._longest = max((len(name.split()) for name in self._index), default=0)

    def find(self, sentence: str) -> list[int]:
        """Indices of the tags that are named, in the order of the sentence, each once."""
        words, start, found = _WORD.findall(matching_key(sentence)), 0, dict[int, None]()
        while start < len(words):
            for length in range(min(self._longest, len(words) - start), 0, -1):
                phrase = " ".join(words[start : start + length])
                named = next((self._index[name] for name in (phrase, *singulars(phrase)) if name in self._index), None)
                if named is not None:
                    found[named] = None
                    break
            else:
                length = 1
            start += length
        return list(found)
