"""Group words into tags: reviewed synonyms, spellings, plurals, -ing forms, names of one ImageNet synset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ram.describers.lexicon.synsets import Lexicon, Synset
from ram.describers.wording import gerund, singulars, word_class
from ram.labels.corrections import plural_names
from ram.labels.label_system import LabelSystem
from ram.labels.parsing import ParsedKind


class Link(NamedTuple):
    """A word with the meaning of another one, and the reason."""

    word: str
    tag: str
    reason: str


REVIEWED, SPELLING, PLURAL, GERUND, SYNSET = (
    "a reviewed synonym",
    "another spelling",
    "a plural",
    "an -ing form",
    "a name of the same ImageNet synset",
)


def find_synonyms(
    counts: Mapping[str, int], kinds: Mapping[str, ParsedKind], reviewed: LabelSystem, lexicon: Lexicon
) -> dict[str, Link]:
    """Find the tag of every word; a word without an entry is its own tag, and a tag has no entry.

    The tag of a group of words is the reviewed tag among them, otherwise the most frequent word. Words that were
    reviewed as two tags are never joined.

    Args:
        counts: number of images in which each word occurs.
        kinds: kind of each of these words.
        reviewed: tags and synonyms that people chose.
        lexicon: synsets of words.
    """
    groups = _Groups(counts, reviewed.vocabulary.tags)
    for link in _links(counts, kinds, reviewed.synonyms, lexicon):
        groups.join(link)
    return groups.links()


def without_spaces(word: str) -> str:
    """A word without spaces and hyphens, to compare spellings."""
    return word.replace(" ", "").replace("-", "")


def _links(
    counts: Mapping[str, int], kinds: Mapping[str, ParsedKind], reviewed: Mapping[str, str], lexicon: Lexicon
) -> Iterator[Link]:
    """Every pair of one meaning, the most certain first."""
    yield from (Link(word, tag, REVIEWED) for word, tag in reviewed.items())
    words = sorted(counts, key=lambda word: (-counts[word], word))
    spellings: dict[str, str] = {}
    for word in words:
        usual = spellings.setdefault(without_spaces(word), word)
        if usual != word:
            yield Link(word, usual, SPELLING)
    for word in words:
        if word.rpartition(" ")[2] not in plural_names():
            yield from (Link(word, one, PLURAL) for one in singulars(word) if one in counts)
    gerunds = {gerund(word): word for word in words if kinds[word] == "action"}
    nouns = word_class("countable noun in -ing")
    yield from (Link(word, gerunds[word], GERUND) for word in words if word in gerunds and word not in nouns)
    synsets: dict[Synset, str] = {}
    for word in words:
        found = lexicon.synsets(word) if kinds[word] == "object" and word in lexicon else ()
        # An ambiguous word joins nothing, nor do words for people: in ImageNet "small fry" are children.
        if found and (found[0].domain == "everyday" or (len(found) == 1 and found[0].domain != "person")):
            usual = synsets.setdefault(found[0], word)
            if usual != word:
                yield Link(word, usual, SYNSET)


class _Groups:
    """Groups of words of one meaning, joined link by link."""

    def __init__(self, counts: Mapping[str, int], chosen: Iterable[str]) -> None:
        self._counts = counts
        self._chosen = frozenset(chosen)
        self._groups: dict[str, set[str]] = {}
        self._reasons: dict[str, str] = {}

    def join(self, link: Link) -> None:
        first, second = self._group(link.word), self._group(link.tag)
        if first is second or (first & self._chosen and second & self._chosen):
            return
        self._reasons.setdefault(link.word, link.reason)
        self._reasons.setdefault(link.tag, link.reason)
        first |= second
        self._groups.update(dict.fromkeys(second, first))

    def links(self) -> dict[str, Link]:
        found: dict[str, Link] = {}
        for word, group in self._groups.items():
            candidates = (group & self._chosen) or group
            tag = min(candidates, key=lambda one: (-self._counts.get(one, 0), len(one), one))
            if word != tag:
                found[word] = Link(word, tag, self._reasons[word])
        return found

    def _group(self, word: str) -> set[str]:
        return self._groups.setdefault(word, {word})
