"""A label system built from parsed captions, as RAM's was (RAM, section 3.1).

RAM chose its tags by three principles: what people say often matters most; objects, scenes, attributes and actions
are all covered; the number stays moderate. So words of one meaning are merged, words that name nothing to see are
dropped by a reviewed list, rare ones by a count, and where too many are left the most frequent stay, of every kind
some.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

from ram.describers.wording import as_action, as_quality
from ram.labels.exclusion import ExcludedTags
from ram.labels.label_system import LabelSystem
from ram.labels.parsing import ATTRIBUTE_NOUNS, Kind, ParsedTag
from ram.labels.reviewed_lists import WordLists
from ram.labels.synonyms import Link, find_synonyms
from ram.text.vocabulary import TagVocabulary

TagKind = Literal["object", "scene", "attribute", "action"]
KINDS: tuple[TagKind, ...] = get_args(TagKind)
LEAST, MOST = 10, 5000
SHARE_OF_A_KIND = 0.1
"""Of the places of a label system, those that a kind keeps however rare its tags are."""


class Verdict(NamedTuple):
    """What became of a word.

    ``tag`` is the tag it counts as, "" where it was dropped; ``reason`` is "" for a tag itself. ``pictures`` of a tag
    are those that name it or a synonym, of any other word those that name the word.
    """

    word: str
    pictures: int
    kind: TagKind
    tag: str
    reason: str


@dataclass(frozen=True)
class BuiltSystem:
    """A label system and what became of every word that was read, most frequent first."""

    system: LabelSystem
    verdicts: Sequence[Verdict] = field(repr=False)

    def tags(self, kind: TagKind) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.word == verdict.tag and verdict.kind == kind]


def build_label_system(
    pictures: Sequence[Collection[ParsedTag]],
    lists: WordLists,
    exclude: Iterable[str] = (),
    least: int = LEAST,
    most: int = MOST,
) -> BuiltSystem:
    """Choose tags and their synonyms.

    Args:
        pictures: what was parsed for each picture.
        lists: what people reviewed.
        exclude: tags that stay out, with their synonyms, spellings and inflections, and phrases that end in them
            ("toy train" for "train").
        least: pictures that must name a tag or its synonyms.
        most: tags to keep at most; every kind keeps a tenth of the places, if it has as many.

    Raises:
        ValueError: a number is below 1, or no tag remains.
    """
    if least < 1 or most < 1:
        raise ValueError(f"least is {least} and most is {most}: give 1 or more")
    counts, kinds = _count(pictures)
    banned = ExcludedTags(exclude, lists.system, lists.book)
    dropped = {word: reason for word in counts if (reason := banned.reason(word) or _no_tag(word, kinds, lists))}
    allowed = {word: count for word, count in counts.items() if word not in dropped}
    links = find_synonyms(allowed, kinds, banned.leave(lists.system), lists.book)
    totals = _totals(pictures, allowed, links)
    sorts = {word: _sort(word, kinds.get(word, "object"), lists.scenes) for word in {*counts, *totals}}
    frequent = [tag for tag in sorted(totals, key=lambda tag: (-totals[tag], tag)) if totals[tag] >= least]
    kept = _moderate(frequent, sorts, most)
    if not kept:
        raise ValueError(f"no tag is named for {least} pictures: lower the least number, or give more captions")
    synonyms = {word: link.tag for word, link in links.items() if link.tag in kept}
    system = LabelSystem(TagVocabulary.of(tag for tag in frequent if tag in kept), synonyms)

    verdicts = []
    for word, sort in sorts.items():
        tag, reason = links[word][1:] if word in links else (word, "")
        if word in dropped:
            tag, reason = "", dropped[word]
        elif tag not in kept:
            few = totals[tag] < least
            tag, reason = "", f"in fewer than {least} pictures" if few else f"not among the {most} most frequent"
        verdicts.append(Verdict(word, totals[word] if tag == word else counts[word], sort, tag, reason))
    verdicts.sort(key=lambda verdict: (-verdict.pictures, verdict.word))
    return BuiltSystem(system, tuple(verdicts))


def _count(pictures: Iterable[Collection[ParsedTag]]) -> tuple[Counter[str], dict[str, Kind]]:
    """In how many pictures each word occurs, and what the parse mostly takes it for."""
    counts: Counter[str] = Counter()
    taken: defaultdict[str, Counter[Kind]] = defaultdict(Counter)
    for tags in pictures:
        counts.update({tag.name for tag in tags})
        for tag in tags:
            taken[tag.name][tag.kind] += 1
    return counts, {word: votes.most_common(1)[0][0] for word, votes in taken.items()}


def _no_tag(word: str, kinds: Mapping[str, Kind], lists: WordLists) -> str:
    """Why a word cannot be a tag however frequent it is, or ""."""
    if word in lists.reviewed:
        return ""
    first, _, rest = word.partition(" ")
    if word in lists.stop or not rest:
        return lists.stop.get(word, "")
    senses = lists.book.synsets(word) if word in lists.book else ()
    if any(sense.domain != "person" and sense.photos > 1 for sense in senses[:1]):
        return ""
    if as_quality(first) or first in ATTRIBUTE_NOUNS or first in lists.stop:
        return "a thing with a word that says little of it"
    last = rest.rpartition(" ")[2]
    return "a thing and what it does" if not senses and (kinds.get(last) == "action" or as_action(last)) else ""


def _totals(
    pictures: Iterable[Collection[ParsedTag]], allowed: Collection[str], links: Mapping[str, Link]
) -> Counter[str]:
    """In how many pictures each tag is named, by any of its words."""
    means = {word: links[word].tag if word in links else word for word in allowed}
    totals: Counter[str] = Counter()
    for tags in pictures:
        totals.update({means[tag.name] for tag in tags if tag.name in means})
    return totals


def _sort(tag: str, kind: Kind, scenes: Collection[str]) -> TagKind:
    """The kind of a tag: reviewed lists first, then what the parse says."""
    if tag in scenes or tag.rpartition(" ")[2] in scenes:
        return "scene"
    if as_quality(tag):
        return "attribute"
    return "action" if as_action(tag) else kind


def _moderate(frequent: Sequence[str], sorts: Mapping[str, TagKind], most: int) -> frozenset[str]:
    """The most frequent tags, of each kind some."""
    places = int(most * SHARE_OF_A_KIND)
    sure = [tag for kind in KINDS for tag in [tag for tag in frequent if sorts[tag] == kind][:places]]
    return frozenset(list(dict.fromkeys([*sure, *frequent]))[:most])
