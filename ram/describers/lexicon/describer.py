"""The offline describer: what a word's senses are and look like, put into short sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ram.describers.base import Meaning
from ram.describers.lexicon.wordbook import Sense, WordBook, opening, plain_gloss
from ram.describers.template import TemplateDescriber
from ram.describers.wording import (
    also_action,
    article,
    as_action,
    as_quality,
    is_mass,
    is_modifier,
    is_plural,
    singulars,
    with_article,
)
from ram.describers.wording_lists import NUMBERS
from ram.text.descriptions import normalize_category

FEWEST_SENTENCES, MOST_SENTENCES = 6, 12
SENTENCES_OF_SECOND_SENSE = 3
MOST_MEANINGS = 4
"""Meanings of one word that are offered."""


class LexiconDescriber:
    """Describes a tag by the likeliest sense of its words; the same tag always gets the same sentences.

    Where a word means two unlike things (a crane is a machine and a bird) both are described: re-weighting
    finds the sentences that fit the picture. A "red bus" is described as a bus. A word that is not known gets
    the prompt templates; `knows` tells.

    Args:
        book: the words, such as `WordBook.installed()`.
        gloss: that of the one sense to describe, where a word has several.
    """

    name = "lexicon"

    def __init__(self, book: WordBook, gloss: str = "") -> None:
        self._book = book
        self._gloss = gloss
        self._templates = TemplateDescriber()

    @property
    def fingerprint(self) -> str:
        """Its version and the sense."""
        return f"lexicon-1, meaning {self._gloss}" if self._gloss else "lexicon-1"

    def __repr__(self) -> str:
        return "LexiconDescriber()"

    def describe(self, tag: str) -> Iterator[str]:
        """Two templates, what kind of thing it is, what it looks like, other names: 5 to 12 sentences."""
        tag = normalize_category(tag)
        plain, there_is, *templates = self._templates.describe(tag)
        sentences = {plain: None, there_is: None}
        subject, senses = self._find(tag)
        for place, sense in enumerate(senses):
            told = [text for text in self._tell(subject, sense) if text not in sentences]
            sentences |= dict.fromkeys(told[: SENTENCES_OF_SECOND_SENSE if place else None])
        if acting := also_action(tag):
            sentences[f"a photo of someone {acting}."] = None
        yield from list(sentences)[:MOST_SENTENCES]
        lacking = FEWEST_SENTENCES - len(sentences) if senses else MOST_SENTENCES
        yield from [template for template in templates if template not in sentences][: max(lacking, 0)]

    def knows(self, tag: str) -> bool:
        """Whether there is more to say of the tag than the templates do."""
        tag = normalize_category(tag)
        return bool(self._find(tag)[1]) or as_quality(tag) is not None or as_action(tag) is not None

    def senses(self, tag: str) -> tuple[Sense, ...]:
        """Every sense of the tag itself, likeliest first."""
        return self._book.senses(normalize_category(tag))

    def meanings(self, tag: str) -> tuple[Meaning, ...]:
        """The unlike senses of the tag, likeliest first; none where there is only one."""
        found: dict[str, str] = {}
        for sense in self.senses(tag):
            label = self._book.kind_of(sense) or sense.names[0]
            words = re.findall(r"\w+", f"{label} {sense.gloss}".casefold())
            is_told = any({kind, f"{kind}s"} & set(words) for kind in (told.rpartition(" ")[2] for told in found))
            if sense.gloss and not is_told:
                found[label] = sense.gloss
        told = tuple(Meaning(label, gloss) for label, gloss in found.items())[:MOST_MEANINGS]
        return told if len(told) > 1 else ()

    def meaning(self, gloss: str) -> LexiconDescriber:
        """The same for a word that is meant in the sense of this gloss."""
        return LexiconDescriber(self._book, gloss)

    def _find(self, tag: str) -> tuple[str, tuple[Sense, ...]]:
        """What the sentences speak of ("a red bus"), and the one or two senses they tell."""
        words = tag.casefold()
        if meant := [sense for sense in self.senses(tag) if sense.gloss == self._gloss][:1]:
            return self._singular(words), tuple(meant)
        if acting := as_action(words):
            acts = [sense for sense in self._book.senses(acting) if "act" in (sense.domain, sense.kind)][:1]
            return f"someone {acting}" if acts and acts[0].kind == "act" else acting, tuple(acts)
        if as_quality(words):
            foods = [one for one in self._book.senses(words) if (one.domain, one.names[0]) == ("food", words)]
            return with_article(words), tuple(foods[:1])
        if senses := self._book.meant(words):
            return self._singular(words), senses
        is_name = tag != words and all(part[:1].isupper() for part in tag.split(" "))
        return self._singular(words), () if is_name else self._narrowed(words.split(" "))

    def _narrowed(self, words: list[str]) -> tuple[Sense, ...]:
        """Senses of a phrase from the longest known noun it ends in: of the bus for a red bus.

        Behind another noun ("toy car") the last word may mean anything: unless it has but one sense, nothing
        more is said than that a toy car is a kind of car.
        """
        for start in range(1, len(words)):
            head = " ".join(words[start:])
            if not (senses := self._book.meant(head)):
                continue
            if all(map(is_modifier, words[:start])):
                return tuple(replace(sense, names=sense.names[:1]) for sense in senses)
            if len(head) > 2 and all(map(self._book.mentions, words[:start])):
                certain = senses[0].domain == "everyday" or len(self._book.senses(head)) == 1
                gloss = senses[0].gloss if certain else ""
                return (Sense((), gloss, senses[0].domain, next(singulars(head), head)),)
            return ()
        return ()

    def _singular(self, words: str) -> str:
        """ "two teddy bears" -> "a teddy bear"; jeans stay jeans."""
        first, _, rest = words.partition(" ")
        if rest and (first in NUMBERS or first.isdigit()):
            words = rest
        if words in self._book or not is_plural(words.rpartition(" ")[2]):
            return with_article(words)
        known = (one for one in singulars(words) if {one, one.rpartition(" ")[2]} & self._book.names)
        return with_article(next(known, words))

    def _tell(self, subject: str, sense: Sense) -> Iterator[str]:
        """Sentences about one sense, the most telling first."""
        clauses = [clause.strip() for clause in plain_gloss(sense.gloss).split(";")]
        kind = self._book.kind_of(sense)
        if kind and kind != "act" and not subject.endswith(f"a {kind}"):
            yield f"{subject}, {with_article(kind) if _SAYS_WHERE.search(kind) else f'a kind of {kind}'}."
        if clauses[0]:
            yield f"{subject}, {clauses[0]}." if kind == "act" else self._define(subject, clauses[0])
        yield from filter(None, (_shows(subject, clause) for clause in clauses))
        yield from filter(None, (_adds(subject, clause) for clause in clauses[1:]))
        others = [name for name in sense.names if not _is_latin(name) and name.casefold() not in subject]
        if others and kind != "act" and sense.domain != "person":
            yield f"{subject}, also called {with_article(others[0])}."

    def _define(self, subject: str, clause: str) -> str:
        """The clause that says what it is, worded as a sentence."""
        words = clause.split(" ")
        first = words[0].casefold()
        if first in _DETERMINERS:
            return f"{subject}, {clause}."
        if first in _JOINING:
            return f"{subject} {clause}."
        phrase = opening(clause)
        if phrase[:1] == words[:1] and (len(phrase) == 1 or self._book.genus(clause)):
            bare = is_plural(phrase[-1]) or is_mass(phrase[-1])
            return f"{subject}, {'' if bare else article(clause) + ' '}{clause}."
        return f"{subject}: {clause}."


def _shows(subject: str, clause: str) -> str | None:
    """ "a corgi with erect ears and a fox-like head.": what a gloss says a thing has."""
    begun = " ".join(opening(clause)[-1:])
    found = re.search(rf"(?:\bhaving|\b{re.escape(begun)}(?: \w+ly)? (?:with|bearing)) (?P<parts>.+)", clause)
    if found is None or found.start() == 0 or " " not in found["parts"]:
        return None
    return f"{subject} with {found['parts']}."


def _adds(subject: str, clause: str) -> str | None:
    """A later clause of a gloss, if it is one about looks or use that can be joined on."""
    words = clause.casefold().split(" ")
    if len(words) < 3 or _UNSEEN.search(clause):
        return None
    follows = words[1] if words[0] in _ADVERBS else words[0]
    if follows in _VERBS:
        return f"{subject} {clause}."
    if follows in _JOINING or follows.endswith("ed"):
        return f"{subject}, {clause}."
    return None


def _is_latin(name: str) -> bool:
    """Whether a name looks like a scientific one: "Canis familiaris", but not "Welsh corgi"."""
    return re.fullmatch(r"[A-Z][a-z]+ [a-z ]*[a-z]+(a|ae|ens|es|ii|is|on|os|um|us)", name) is not None


_DETERMINERS = frozenset(
    """a an the any either one each all some two three four several various numerous someone something your
    anything anyone""".split()
)
_JOINING = frozenset(
    """of in on at for from with without having used made worn grown found similar resembling containing
    consisting played eaten driven ridden held drawn built flown shot sewn woven thrown hung""".split()
)
_ADVERBS = frozenset("usually often sometimes typically generally commonly mostly".split())
_VERBS = frozenset(
    """has have is are lives grows consists contains comes makes resembles feeds bears nests covers lifts
    carries holds supports opens turns flies swims eats runs stands hangs attaches rotates""".split()
)
_SAYS_WHERE = re.compile(" (of|in|by|on|to) ")
_UNSEEN = re.compile(
    r"\b(genus|genera|family|order|classifications?|native|source|formerly|considered|placed|introduced|"
    r"origin|originally|believed|term|named|called|known)\b"
)
