"""Which words are one tag: reviewed synonyms, other spellings, plurals, -ing forms, names of one ImageNet synset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ram.describers.lexicon.synsets import Lexicon, Synset
from ram.describers.wording import gerund, singulars, word_class
from ram.labels.corrections import PLURAL_NAMES
from ram.labels.label_system import LabelSystem
from ram.labels.parsing import Kind


class Link(NamedTuple):
    """A word that means what another one does, and how that is known."""

    word: str
    tag: str
    reason: str


REVIEWED, SPELLING, PLURAL, DOING, SYNSET = (
    "a reviewed synonym",
    "another spelling",
    "a plural",
    "an -ing form",
    "a name of the same ImageNet synset",
)


def find_synonyms(
    counts: Mapping[str, int], kinds: Mapping[str, Kind], reviewed: LabelSystem, book: Lexicon
) -> dict[str, Link]:
    """Word to the tag that stands for it; a word that is missing stands for itself. No tag has a link of its own.

    Of a group of words the one that is a reviewed tag becomes the tag, else the most frequent. Words that were reviewed
    to be two tags are never joined.

    Args:
        counts: in how many pictures each word occurs.
        kinds: what each word is, for as many.
        reviewed: tags and synonyms that people chose; those that are in `counts` or stand for such words matter.
        book: the lexicon.
    """
    groups = _Groups(counts, reviewed.vocabulary.tags)
    for link in _links(counts, kinds, reviewed.synonyms, book):
        groups.join(link)
    return groups.links()


def _links(
    counts: Mapping[str, int], kinds: Mapping[str, Kind], reviewed: Mapping[str, str], book: Lexicon
) -> Iterator[Link]:
    """Every pair that means the same, the surest first."""
    yield from (Link(word, tag, REVIEWED) for word, tag in reviewed.items())
    words = sorted(counts, key=lambda word: (-counts[word], word))
    spelled: dict[str, str] = {}
    for word in words:
        usual = spelled.setdefault(_closed(word), word)
        if usual != word:
            yield Link(word, usual, SPELLING)
    for word in words:
        if word.rpartition(" ")[2] not in PLURAL_NAMES:
            yield from (Link(word, one, PLURAL) for one in singulars(word) if one in counts)
    doing = {gerund(word): word for word in words if kinds[word] == "action"}
    things = word_class("countable noun in -ing")
    yield from (Link(word, doing[word], DOING) for word in words if word in doing and word not in things)
    synsets: dict[Synset, str] = {}
    for word in words:
        senses = book.synsets(word) if kinds[word] == "object" and word in book else ()
        # A word of two meanings joins nothing, nor do people: small fry are no children.
        if senses and (senses[0].domain == "everyday" or (len(senses) == 1 and senses[0].domain != "person")):
            usual = synsets.setdefault(senses[0], word)
            if usual != word:
                yield Link(word, usual, SYNSET)


class _Groups:
    """Words that mean the same, grown link by link."""

    def __init__(self, counts: Mapping[str, int], chosen: Iterable[str]) -> None:
        self._counts = counts
        self._chosen = frozenset(chosen)
        self._groups: dict[str, set[str]] = {}
        self._reasons: dict[str, str] = {}

    def join(self, link: Link) -> None:
        first, second = self._of(link.word), self._of(link.tag)
        if first is second or (first & self._chosen and second & self._chosen):
            return
        self._reasons.setdefault(link.word, link.reason)
        self._reasons.setdefault(link.tag, link.reason)
        first |= second
        self._groups.update(dict.fromkeys(second, first))

    def links(self) -> dict[str, Link]:
        found: dict[str, Link] = {}
        for word, group in self._groups.items():
            chosen = (group & self._chosen) or group
            tag = min(chosen, key=lambda one: (-self._counts.get(one, 0), len(one), one))
            if word != tag:
                found[word] = Link(word, tag, self._reasons[word])
        return found

    def _of(self, word: str) -> set[str]:
        return self._groups.setdefault(word, {word})


def _closed(word: str) -> str:
    return word.replace(" ", "").replace("-", "")
