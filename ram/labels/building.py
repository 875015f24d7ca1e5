"""Build a label system from parsed captions (RAM, section 3.1).

RAM chose its tags by three principles: tags that captions name often matter most; objects, scenes, attributes and
actions are all covered; the number stays moderate. So words of one meaning are merged, words that name nothing visible
are dropped by a reviewed list, rare words by their count, and if too many are left the most frequent stay, with a share
for every kind.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ram.describers.wording import as_action, as_quality
from ram.errors import InputError
from ram.labels.corrections import attribute_nouns
from ram.labels.exclusion import ExcludedTags
from ram.labels.label_system import LabelSystem
from ram.labels.parsing import ParsedKind, ParsedTag
from ram.labels.reviewed_lists import ReviewedLists
from ram.labels.synonyms import Link, find_synonyms
from ram.text.names import unreadable_words
from ram.text.vocabulary import KINDS, UNSEEN_THRESHOLD, TagKind, TagVocabulary

MIN_PICTURES, MAX_TAGS = 10, 5000
SHARE_OF_A_KIND = 0.1
"""Fraction of the tags that is reserved for each kind, however rare its tags are."""


class Verdict(NamedTuple):
    """Decision about a word.

    ``tag`` is the tag that the word counts as, "" where it was dropped; ``reason`` is "" for a tag itself.
    ``pictures`` counts those that name the word; for a tag, those that name it or a synonym.
    """

    word: str
    pictures: int
    kind: TagKind
    tag: str
    reason: str


@dataclass(frozen=True)
class BuiltSystem:
    """A label system and the decision about every word, most frequent first."""

    system: LabelSystem
    verdicts: Sequence[Verdict] = field(repr=False)

    def tags(self, kind: TagKind) -> list[Verdict]:
        """Verdicts of the tags of a kind."""
        return [verdict for verdict in self.verdicts if verdict.word == verdict.tag and verdict.kind == kind]


def build_label_system(
    pictures: Sequence[Collection[ParsedTag]],
    lists: ReviewedLists,
    exclude: Iterable[str] = (),
    min_pictures: int = MIN_PICTURES,
    max_tags: int = MAX_TAGS,
) -> BuiltSystem:
    """Choose tags and their synonyms.

    Args:
        pictures: parsed tags of each picture.
        lists: reviewed word lists.
        exclude: tags to leave out, with their synonyms, spellings and inflections, and phrases that end in them
            ("toy train" for "train").
        min_pictures: number of pictures that must name a tag or its synonyms.
        max_tags: upper limit; a tenth of it is reserved for every kind, as far as it has tags.

    Raises:
        InputError: a number is below 1, or no tag remains.
    """
    if min_pictures < 1 or max_tags < 1:
        raise InputError(f"at least {min_pictures} pictures and at most {max_tags} tags: give 1 or more")
    counts, kinds = _count(pictures)
    excluded = ExcludedTags(exclude, lists.system, lists.lexicon)
    dropped = {word: reason for word in counts if (reason := excluded.reason(word) or _drop_reason(word, kinds, lists))}
    allowed = {word: count for word, count in counts.items() if word not in dropped}
    links = find_synonyms(allowed, kinds, excluded.remove_from(lists.system), lists.lexicon)
    totals = _totals(pictures, allowed, links)
    tag_kinds = {word: tag_kind(word, kinds.get(word, "object"), lists.scenes) for word in {*counts, *totals}}
    frequent = [tag for tag in sorted(totals, key=lambda tag: (-totals[tag], tag)) if totals[tag] >= min_pictures]
    chosen = _limit(frequent, tag_kinds, max_tags)
    if not chosen:
        raise InputError(f"no tag is named for {min_pictures} pictures: lower that number, or give more captions")
    synonyms = {word: link.tag for word, link in links.items() if link.tag in chosen}
    tags = tuple(tag for tag in frequent if tag in chosen)
    vocabulary = TagVocabulary(tags, (UNSEEN_THRESHOLD,) * len(tags), kinds=tuple(tag_kinds[tag] for tag in tags))

    verdicts = []
    for word, kind in tag_kinds.items():
        tag, reason = links[word][1:] if word in links else (word, "")
        if word in dropped:
            tag, reason = "", dropped[word]
        elif tag not in chosen:
            rare = totals[tag] < min_pictures
            tag, reason = "", f"in fewer than {min_pictures} pictures" if rare else f"not among the {max_tags} chosen"
        verdicts.append(Verdict(word, totals[word] if tag == word else counts[word], kind, tag, reason))
    verdicts.sort(key=lambda verdict: (-verdict.pictures, verdict.word))
    return BuiltSystem(LabelSystem(vocabulary, synonyms), tuple(verdicts))


def tag_kind(tag: str, parsed: ParsedKind, scenes: Collection[str]) -> TagKind:
    """Kind of a tag: from the reviewed lists, otherwise as it was parsed."""
    if tag in scenes or tag.rpartition(" ")[2] in scenes:
        return "scene"
    if as_quality(tag):
        return "attribute"
    return "action" if as_action(tag) else parsed


def _count(pictures: Iterable[Collection[ParsedTag]]) -> tuple[Counter[str], dict[str, ParsedKind]]:
    """Number of pictures of each word, and the kind that it is parsed as most often."""
    counts: Counter[str] = Counter()
    votes: defaultdict[str, Counter[ParsedKind]] = defaultdict(Counter)
    for tags in pictures:
        counts.update({tag.name for tag in tags})
        for tag in tags:
            votes[tag.name][tag.kind] += 1
    return counts, {word: kinds.most_common(1)[0][0] for word, kinds in votes.items()}


def _drop_reason(word: str, kinds: Mapping[str, ParsedKind], lists: ReviewedLists) -> str:
    """Why a word is not a tag, however frequent it is, or ""."""
    if word in lists.words:
        return ""
    if unreadable_words(word):
        return "a word that the text encoder cannot read"
    first, _, rest = word.partition(" ")
    if word in lists.stop or not rest:
        return lists.stop.get(word, "")
    synsets = lists.lexicon.synsets(word) if word in lists.lexicon else ()
    if any(synset.domain != "person" and synset.photos > 1 for synset in synsets[:1]):
        return ""
    if as_quality(first) or first in attribute_nouns() or first in lists.stop:
        return "a thing with a word that says little of it"
    last = rest.rpartition(" ")[2]
    return "a thing and what it does" if not synsets and (kinds.get(last) == "action" or as_action(last)) else ""


def _totals(
    pictures: Iterable[Collection[ParsedTag]], allowed: Collection[str], links: Mapping[str, Link]
) -> Counter[str]:
    """Number of pictures that name each tag by any of its words."""
    tag_of = {word: links[word].tag if word in links else word for word in allowed}
    totals: Counter[str] = Counter()
    for tags in pictures:
        totals.update({tag_of[tag.name] for tag in tags if tag.name in tag_of})
    return totals


def _limit(frequent: Sequence[str], kinds: Mapping[str, TagKind], limit: int) -> frozenset[str]:
    """The most frequent tags, with a share for every kind."""
    share = int(limit * SHARE_OF_A_KIND)
    reserved = [tag for kind in KINDS for tag in [tag for tag in frequent if kinds[tag] == kind][:share]]
    return frozenset(list(dict.fromkeys([*reserved, *frequent]))[:limit])
