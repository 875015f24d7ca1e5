"""Look up the synsets of a word, their kind, and which of them people mean first."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Set
from dataclasses import dataclass

from ram.describers.lexicon.glosses import gloss_words, opening
from ram.describers.wording import as_quality, singulars
from ram.text.names import unaccented


@dataclass(frozen=True)
class Synset:
    """One meaning and the words for it.

    Args:
        names: words for it, the usual one first.
        gloss: definition; semicolons separate its clauses.
        domain: WordNet file it belongs to ("animal", "artifact", "food" ...); "everyday" for our own.
        kind: what it is a kind of, where the source says so.
        photos: how common it is in photos, 0 to 3: the number of timm's ImageNet selections that list it.
    """

    names: tuple[str, ...]
    gloss: str
    domain: str
    kind: str | None = None
    photos: int = 0


class Lexicon:
    """Look synsets up by name and rank them.

    Args:
        synsets: all of them; their order decides between equals.
    """

    def __init__(self, synsets: Iterable[Synset]) -> None:
        self._all = tuple(synsets)
        self._synsets: dict[str, list[Synset]] = defaultdict(list)
        self._words: set[str] = set()
        self._compounds: Counter[tuple[str, str]] = Counter()
        for synset in self._all:
            for name in dict.fromkeys(map(str.casefold, synset.names)):
                self._synsets[name].append(synset)
                self._words.update(name.split(" "))
                if " " in name:
                    self._compounds[name.rpartition(" ")[2], synset.domain] += 1

    @classmethod
    def installed(cls) -> Lexicon:
        """Our everyday words and the ImageNet names inside timm.

        Raises:
            DescriberError: timm is not installed, or no longer contains these names.
        """
        from ram.describers.lexicon.tables import installed_synsets

        return cls(installed_synsets())

    def __contains__(self, name: str) -> bool:
        return name.casefold() in self._synsets

    @property
    def names(self) -> Set[str]:
        """Every name, in lower case."""
        return self._synsets.keys()

    def all_synsets(self) -> tuple[Synset, ...]:
        """Every synset, in the order given."""
        return self._all

    def mentions(self, word: str) -> bool:
        """Whether a word is part of any name."""
        return any(one in self._words for one in (word, *singulars(word)))

    def synsets(self, name: str) -> tuple[Synset, ...]:
        """Synsets of exactly this name, or else of its singular, likeliest first; empty where there is none."""
        entry = self._entry(name)
        found = self._synsets[entry] if entry else []
        return tuple(sorted(found, key=lambda synset: -self._rank(entry, synset)))

    def likely(self, name: str) -> tuple[Synset, ...]:
        """The likeliest synset, and a second one of an unlike sort if that is equally well known."""
        synsets, entry = self.synsets(name), self._entry(name)
        for other in synsets[1:]:
            sorts = [_SORTS.get(synset.domain, "") for synset in (synsets[0], other)]
            well_known = other.photos >= 2 and other.names[0].casefold() == entry
            unlike = sorts == ["everyday", "everyday"] or ("everyday" not in sorts and sorts[0] != sorts[1] != "")
            if well_known and unlike:
                return synsets[0], other
        return synsets[:1]

    def kind_of(self, synset: Synset) -> str | None:
        """Kind of the synset ("dog" for the corgi), from its gloss, its names or its domain."""
        if synset.kind:
            return synset.kind
        names = {name.casefold() for name in synset.names}
        genus = self.genus(synset.gloss)
        kind = (genus or synset.names[0].rpartition(" ")[2]).casefold()
        if kind in self._synsets and kind not in gloss_words("vague kind") | names and not as_quality(kind):
            return kind
        general = _GENERAL_KINDS.get(synset.domain)
        return general if general not in names else None

    def genus(self, gloss: str) -> str | None:
        """The noun that a gloss starts from: "wading bird" of "large long-necked wading bird of marshes"."""
        phrase = opening(gloss)
        for start in range(len(phrase)):
            words = " ".join(phrase[start:]).casefold()
            for candidate in (words, *singulars(words)):
                if candidate in self._synsets:
                    return candidate
        return None

    def _entry(self, name: str) -> str:
        """The name as it is listed, perhaps without hyphen, accent or plural ending; "" where it is not listed."""
        name = name.casefold()
        spellings = (name, name.replace("-", " "), unaccented(name), *singulars(name))
        known = [one for one in dict.fromkeys(spellings) if one in self._synsets]
        best = {one: max(self._rank(one, synset) for synset in self._synsets[one]) for one in known}
        return max(known, key=lambda one: best[one] + 3 * (one == name), default="")

    def _rank(self, name: str, synset: Synset) -> float:
        """Score of a synset as the meaning of a name: everyday, first name, photographed, many kinds of it."""
        index = [other.casefold() for other in synset.names].index(name)
        kinds = math.log2(1 + self._compounds[name, synset.domain])
        by_domain = {"everyday": 100, "food": 1, "plant": -1, "person": -1}.get(synset.domain, 0)
        return by_domain + synset.photos - 2 * min(index, 3) + 0.5 * kinds


_SORTS = {
    "everyday": "everyday", "animal": "animal", "artifact": "artifact", "food": "plant", "plant": "plant",
    "object": "nature", "phenomenon": "nature",
}  # fmt: skip
"""Sorts of things that photos show; a fruit and the tree that bears it are of one sort."""
_GENERAL_KINDS = {"animal": "animal", "plant": "plant", "food": "food", "act": "activity", "body": "part of a body"}
