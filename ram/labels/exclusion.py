"""Exclude tags from a label system with every word of the same meaning, as benchmarks of unseen tags require."""

from __future__ import annotations

from collections.abc import Iterable

from ram.describers.lexicon.synsets import Lexicon
from ram.describers.wording import singulars
from ram.labels.label_system import LabelSystem
from ram.labels.synonyms import without_spaces


class ExcludedTags:
    """Test whether a word means an excluded tag.

    Such words are: a tag of the list, its plurals, its -s, -ed and -ing forms and other spellings; all words that the
    reviewed system joins with it; the names of its ImageNet synset, unless the reviewed system gives them another
    meaning; and phrases that end in any of these ("toy train" for "train").

    Args:
        tags: the list, in any case and spacing.
        reviewed: a label system that people chose.
        lexicon: synsets of words.
    """

    def __init__(self, tags: Iterable[str], reviewed: LabelSystem, lexicon: Lexicon) -> None:
        self._stems: dict[str, str] = {}
        self._names: dict[str, str] = {}
        groups: dict[str, set[str]] = {}
        for word, tag in reviewed.synonyms.items():
            groups.setdefault(tag, {tag}).add(word)
        chosen = {*reviewed.vocabulary.tags, *reviewed.synonyms}
        for tag in (" ".join(tag.lower().split()) for tag in tags):
            for name in {tag, *groups.get(reviewed.synonyms.get(tag, tag), ())}:
                self._stems |= {stem: tag for stem in _stems(name) if stem not in self._stems}
            for name in (name.casefold() for synset in lexicon.likely(tag) for name in synset.names):
                if name not in chosen:
                    self._names.setdefault(without_spaces(name), tag)

    def reason(self, word: str) -> str:
        """Why a word is excluded, or ""."""
        parts = word.split(" ")
        for start in range(len(parts)):
            ending = " ".join(parts[start:])
            for stem in sorted(_stems(ending)):
                if stem in self._stems:
                    return f"excluded: {self._stems[stem]}"
            for name in (ending, *singulars(ending)):
                if without_spaces(name) in self._names:
                    return f"excluded: {self._names[without_spaces(name)]}"
        return ""

    def remove_from(self, system: LabelSystem) -> LabelSystem:
        """A label system without the excluded words."""
        tags = [tag for tag in system.vocabulary.tags if not self.reason(tag)]
        synonyms = {
            word: tag for word, tag in system.synonyms.items() if not self.reason(word) and not self.reason(tag)
        }
        return LabelSystem(system.vocabulary.select(tags), synonyms)


def _stems(word: str) -> frozenset[str]:
    """Stems shared with the plural, the -s, -ed and -ing forms and other spellings; errs on the side of too many."""
    plain = without_spaces(word)
    found = {plain, *map(without_spaces, singulars(word))}
    for ending in ("s", "es", "ed", "ing"):
        stem = plain.removesuffix(ending)
        if stem != plain and len(stem) > 2:
            doubled = len(stem) > 3 and stem[-1] == stem[-2]
            found |= {stem, f"{stem}e"} | ({stem[:-1]} if doubled else set())
    return frozenset(found)
