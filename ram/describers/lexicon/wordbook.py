"""The words of the lexicon: senses, what kind of thing each is, and which sense people mean first.

Names and glosses of the ImageNet synsets are read from the installed timm package, without importing it (that
would load torch); `everyday` adds the sights ImageNet has no name for.
"""

from __future__ import annotations

import importlib.util
import math
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from ram.describers.lexicon.everyday import SIGHTS
from ram.describers.wording import as_quality, singulars
from ram.errors import DescriberError


@dataclass(frozen=True)
class Sense:
    """One meaning of a word.

    Args:
        names: its names, the usual one first.
        gloss: what it is, clauses separated by semicolons.
        domain: "animal", "artifact", "food"... (the WordNet file it stands in); "everyday" for our own.
        kind: what it is a kind of, where the source says so.
        photos: how much pictures are taken of it, 0 to 3: by how many of timm's ImageNet selections hold it.
    """

    names: tuple[str, ...]
    gloss: str
    domain: str
    kind: str | None = None
    photos: int = 0


class WordBook:
    """Looks senses up by name and ranks them.

    Args:
        senses: all of them; the order decides between equals.
    """

    def __init__(self, senses: Iterable[Sense]) -> None:
        self._senses: dict[str, list[Sense]] = defaultdict(list)
        self._words: set[str] = set()
        self._compounds: Counter[tuple[str, str]] = Counter()
        for sense in senses:
            for name in dict.fromkeys(map(str.casefold, sense.names)):
                self._senses[name].append(sense)
                self._words.update(name.split(" "))
                if " " in name:
                    self._compounds[name.rpartition(" ")[2], sense.domain] += 1

    @classmethod
    def installed(cls) -> WordBook:
        """Our everyday sights and the ImageNet names inside timm.

        Raises:
            DescriberError: timm is not installed or keeps these files no longer.
        """
        found = importlib.util.find_spec("timm")
        if found is None or not found.submodule_search_locations:
            raise DescriberError("The lexicon needs the timm package: install it, or use template instead.")
        folder = Path(found.submodule_search_locations[0], "data", "_info")
        try:
            return cls([*everyday_senses(SIGHTS), *imagenet_senses(folder)])
        except (OSError, ValueError) as error:
            raise DescriberError(
                f"The lexicon cannot read the ImageNet names of the installed timm ({error}): "
                "install the version in requirements.txt, or use the template describer."
            ) from None

    def __contains__(self, name: str) -> bool:
        return name.casefold() in self._senses

    @property
    def names(self) -> Set[str]:
        """Every name, in small letters."""
        return self._senses.keys()

    def mentions(self, word: str) -> bool:
        """Whether a word occurs in some name."""
        return any(one in self._words for one in (word, *singulars(word)))

    def senses(self, name: str) -> tuple[Sense, ...]:
        """Senses of this very name or else of its singular, likeliest first; empty where there is none."""
        spelled = self._spelled(name)
        found = self._senses[spelled] if spelled else []
        return tuple(sorted(found, key=lambda sense: -self._rank(spelled, sense)))

    def meant(self, name: str) -> tuple[Sense, ...]:
        """The likeliest sense, and a second one of quite another sort where that is as well known."""
        senses, spelled = self.senses(name), self._spelled(name)
        for other in senses[1:]:
            sorts = [_SORTS.get(sense.domain, "") for sense in (senses[0], other)]
            well_known = other.photos >= 2 and other.names[0].casefold() == spelled
            unlike = sorts == ["ours", "ours"] or ("ours" not in sorts and sorts[0] != sorts[1] != "")
            if well_known and unlike:
                return senses[0], other
        return senses[:1]

    def kind_of(self, sense: Sense) -> str | None:
        """What the sense is a kind of ("dog" for the corgi), from its gloss, its names or its domain."""
        if sense.kind:
            return sense.kind
        own = {name.casefold() for name in sense.names}
        genus = self.genus(sense.gloss)
        kind = (genus or sense.names[0].rpartition(" ")[2]).casefold()
        if kind in self._senses and kind not in _VAGUE | own and not as_quality(kind):
            return kind
        general = _GENERAL.get(sense.domain)
        return general if general not in own else None

    def genus(self, gloss: str) -> str | None:
        """The noun that a gloss starts from: "wading bird" of "large long-necked wading bird of marshes"."""
        phrase = opening(gloss)
        for start in range(len(phrase)):
            words = " ".join(phrase[start:]).casefold()
            for candidate in (words, *singulars(words)):
                if candidate in self._senses:
                    return candidate
        return None

    def _spelled(self, name: str) -> str:
        """The name as the book has it, perhaps without a hyphen or plural ending; "" where it has not."""
        name = name.casefold()
        known = [one for one in (name, name.replace("-", " "), *singulars(name)) if one in self._senses]
        best = {one: max(self._rank(one, sense) for sense in self._senses[one]) for one in known}
        return max(known, key=lambda one: best[one] + 3 * (one == name), default="")

    def _rank(self, name: str, sense: Sense) -> float:
        """Higher for the sense people mean: ours, its first name, photographed, with many kinds of it."""
        place = [other.casefold() for other in sense.names].index(name)
        kinds = math.log2(1 + self._compounds[name, sense.domain])
        ours = {"everyday": 100, "food": 1, "plant": -1, "person": -1}.get(sense.domain, 0)
        return ours + sense.photos - 2 * min(place, 3) + 0.5 * kinds


def opening(gloss: str) -> list[str]:
    """The words of the noun phrase a gloss opens with, without "any of various" and the like."""
    words = re.split(r"[;,:]", plain_gloss(gloss))[0].split()
    while words:
        end = next((place for place in range(len(words)) if _breaks(words, place)), len(words))
        head = words[end - 1].casefold() if end else ""
        if words[end : end + 1] == ["of"] and (end == 0 or head in _COUNTING):
            words = words[end + 1 :]
        else:
            return [word for word in words[:end] if word.casefold() not in _DETERMINERS]
    return []


def plain_gloss(gloss: str) -> str:
    """A gloss without remarks in brackets and odd quotes."""
    text = re.sub(r"\s*\([^()]*\)\s*", " ", gloss).replace("`", "'")
    return re.sub(r"\s+([,;:])", r"\1", re.sub(r"\s+", " ", text)).strip()


def everyday_senses(text: str) -> Iterator[Sense]:
    """The senses of lines "names | kind | gloss"."""
    for line in filter(None, text.splitlines()):
        names, kind, gloss = line.split(" | ")
        yield Sense(tuple(names.split(", ")), gloss, "everyday", kind, photos=3)


def imagenet_senses(folder: Path) -> Iterator[Sense]:
    """The 21,844 ImageNet synsets of timm's tables "synset, tab, names or gloss".

    Raises:
        OSError: a table is missing.
        ValueError: one has another form.
    """
    names = _table(folder / "imagenet_synset_to_lemma.txt")
    glosses = _table(folder / "imagenet_synset_to_definition.txt")
    selections = [frozenset(_lines(folder / file)) for file in _SELECTIONS]
    for synset in sorted(names):
        yield Sense(
            tuple(names[synset].split(", ")),
            glosses.get(synset, ""),
            _DOMAINS[bisect_right(_STARTS, int(synset[1:])) - 1],
            photos=sum(synset in selection for selection in selections),
        )


def _table(path: Path) -> Mapping[str, str]:
    return dict(line.split("\t", 1) for line in _lines(path))


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def _breaks(words: list[str], place: int) -> bool:
    """Whether a noun phrase ends before this word: at "cultivated in", but not at "colored parrot"."""
    word = words[place].casefold()
    if word in _BREAKS:
        return True
    follows = "".join(words[place + 1 : place + 2]).casefold()
    is_participle = place > 0 and (word.endswith(("ed", "ing")) or word == "native")
    return is_participle and follows in _BREAKS | _DETERMINERS


_SELECTIONS = ("imagenet_synsets.txt", "imagenet12k_synsets.txt", "imagenet21k_miil_w21_synsets.txt")

_FILES = (
    (0, "top"), (30_000, "act"), (1_314_000, "animal"), (2_666_000, "artifact"), (4_620_000, "attribute"),
    (5_216_000, "body"), (5_610_000, "cognition"), (6_300_000, "communication"), (7_280_000, "event"),
    (7_555_000, "food"), (7_942_000, "group"), (8_490_000, "location"), (9_180_000, "object"),
    (9_500_000, "person"), (11_400_000, "phenomenon"), (11_530_000, "plant"), (13_240_000, "other"),
    (13_860_000, "shape"), (13_920_000, "other"), (14_580_000, "substance"), (15_110_000, "other"),
)  # fmt: skip
"""Where WordNet 3.0's noun files start: a synset's number is its place in them, file after file."""
_STARTS = [start for start, _ in _FILES]
_DOMAINS = [domain for _, domain in _FILES]
_SORTS = {
    "everyday": "ours", "animal": "animal", "artifact": "artifact", "food": "plant", "plant": "plant",
    "object": "nature", "phenomenon": "nature",
}  # fmt: skip
"""Sorts of things that are in pictures; fruit and the tree that bears it are of one sort."""
_GENERAL = {"animal": "animal", "plant": "plant", "food": "food", "act": "activity", "body": "part of a body"}

_DETERMINERS = frozenset(
    "a an the any some either one each all your two three four several various numerous many another".split()
)
_COUNTING = frozenset(
    """any either one each some two three four several various numerous many kind kinds type types variety
    varieties species breed breeds genus family class group groups member form sort number piece set pair
    lot amount quantity all both most category""".split()
)
_BREAKS = frozenset(
    """of that which who whose where when with without in on at for from to into by as like near under over
    between and or but is are was than if used made worn grown found kept built given held having bearing
    resembling containing consisting including providing using living growing feeding holding carrying showing
    producing yielding covering making usually often sometimes""".split()
)
_VAGUE = frozenset(
    """thing something someone somebody one person individual area part act place object member kind type form
    substance quality state group set piece unit being entity material matter whole structure device work
    product article item point side end way amount number name term action activity process result event
    property family genus order section size length line male female adult young collection category
    variety species breed position mass body woman man""".split()
)
