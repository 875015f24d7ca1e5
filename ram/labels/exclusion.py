"""Tags that stay out of a label system, as benchmarks of unseen tags need it: with every word that means the same."""

from __future__ import annotations

from collections.abc import Iterable

from ram.describers.lexicon.synsets import Lexicon
from ram.describers.wording import singulars
from ram.labels.label_system import LabelSystem
from ram.text.vocabulary import TagVocabulary


class ExcludedTags:
    """Tells which words mean an excluded tag.

    That is a tag of the list, its plurals, -s, -ed and -ing forms and other spellings; whatever the reviewed system
    holds for one meaning with it; names of its ImageNet synset, unless a person gave them another meaning; and phrases
    that end in any of them ("toy train" for "train").

    Args:
        tags: the list, in any case and spacing.
        reviewed: a label system that people chose.
        book: the lexicon.
    """

    def __init__(self, tags: Iterable[str], reviewed: LabelSystem, book: Lexicon) -> None:
        self._stems: dict[str, str] = {}
        self._names: dict[str, str] = {}
        groups: dict[str, set[str]] = {}
        for word, tag in reviewed.synonyms.items():
            groups.setdefault(tag, {tag}).add(word)
        chosen = {*reviewed.vocabulary.tags, *reviewed.synonyms}
        for tag in (" ".join(tag.lower().split()) for tag in tags):
            for name in {tag, *groups.get(reviewed.synonyms.get(tag, tag), ())}:
                self._stems |= {stem: tag for stem in _stems(name) if stem not in self._stems}
            for name in (name.casefold() for sense in book.likely(tag) for name in sense.names):
                if name not in chosen:
                    self._names.setdefault(_closed(name), tag)

    def reason(self, word: str) -> str:
        """Why a word stays out, or ""."""
        parts = word.split(" ")
        for start in range(len(parts)):
            ending = " ".join(parts[start:])
            for stem in sorted(_stems(ending)):
                if stem in self._stems:
                    return f"excluded: {self._stems[stem]}"
            for name in (ending, *singulars(ending)):
                if _closed(name) in self._names:
                    return f"excluded: {self._names[_closed(name)]}"
        return ""

    def leave(self, system: LabelSystem) -> LabelSystem:
        """A label system without the words that stay out."""
        tags = [tag for tag in system.vocabulary.tags if not self.reason(tag)]
        synonyms = {
            word: tag for word, tag in system.synonyms.items() if not self.reason(word) and not self.reason(tag)
        }
        return LabelSystem(TagVocabulary.of(tags), synonyms)


def _stems(word: str) -> frozenset[str]:
    """What a word shares with its plural, its -s, -ed and -ing forms and its other spellings: too much, to be safe."""
    plain = _closed(word)
    found = {plain, *map(_closed, singulars(word))}
    for ending in ("s", "es", "ed", "ing"):
        stem = plain.removesuffix(ending)
        if stem != plain and len(stem) > 2:
            doubled = len(stem) > 3 and stem[-1] == stem[-2]
            found |= {stem, f"{stem}e"} | ({stem[:-1]} if doubled else set())
    return frozenset(found)


def _closed(word: str) -> str:
    return word.replace(" ", "").replace("-", "")
