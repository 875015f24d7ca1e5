"""Offline describer: short sentences about what a word's synsets are and look like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ram.describers.base import Describer, Sense
from ram.describers.lexicon.glosses import gloss_words, later_clause, opening, parts_clause, plain_gloss
from ram.describers.lexicon.synsets import Lexicon, Synset
from ram.describers.template import TemplateDescriber
from ram.describers.wording import (
    also_action,
    article,
    as_action,
    as_quality,
    is_mass,
    is_modifier,
    is_number,
    is_plural,
    singulars,
    with_article,
)
from ram.text.names import normalize_category, spaced, split_sense

VERSION = "lexicon-1"
"""Changes when the sentences of any tag change."""
MIN_SENTENCES, MAX_SENTENCES = 6, 12
SENTENCES_OF_SECOND_SYNSET = 3
MAX_SENSES = 4
"""Senses of one word that are offered."""


class LexiconDescriber(Describer):
    """Describe a tag by the likeliest synset of its words; one tag always gets the same sentences.

    Where a word means two unlike things (a crane is a machine and a bird) both are described: re-weighting finds the
    sentences that fit the image. A "red bus" is described as a bus. An unknown word gets the prompt templates.

    Args:
        lexicon: the words, such as `Lexicon.installed()`.
        gloss: gloss of the one synset to describe, where a word has several.
    """

    name = "lexicon"

    def __init__(self, lexicon: Lexicon, gloss: str = "") -> None:
        self._lexicon = lexicon
        self._gloss = gloss
        self._templates = TemplateDescriber()

    @property
    def lexicon(self) -> Lexicon:
        """The words that it knows."""
        return self._lexicon

    @property
    def fingerprint(self) -> str:
        return f"{VERSION}, meaning {self._gloss}" if self._gloss else VERSION

    def __repr__(self) -> str:
        return "LexiconDescriber()"

    def describe(self, tag: str) -> Iterator[str]:
        """Yield two templates, the kind, the looks and other names: 5 to 12 sentences."""
        tag = spaced(normalize_category(tag))
        plain, there_is, *templates = self._templates.describe(tag)
        subject, synsets = self._find(tag)
        if synsets and (sense := split_sense(tag)[1]):
            plain, there_is = f"a photo of {subject}, {with_article(sense)}.", f"there is {subject}."
        sentences = {plain: None, there_is: None}
        for index, synset in enumerate(synsets):
            new = [text for text in self._sentences(subject, synset) if text not in sentences]
            sentences |= dict.fromkeys(new[: SENTENCES_OF_SECOND_SYNSET if index else None])
        if acting := also_action(tag):
            sentences[f"a photo of someone {acting}."] = None
        yield from list(sentences)[:MAX_SENTENCES]
        missing = MIN_SENTENCES - len(sentences) if synsets else MAX_SENTENCES
        yield from [template for template in templates if template not in sentences][: max(missing, 0)]

    def knows(self, tag: str) -> bool:
        tag = spaced(normalize_category(tag))
        return bool(self._find(tag)[1]) or as_quality(tag) is not None or as_action(tag) is not None

    def grounding(self, tag: str) -> tuple[str, tuple[str, ...]]:
        """Subject of sentences about a tag ("a red bus"), and the glosses of what it names, if it is known."""
        subject, synsets = self._find(spaced(normalize_category(tag)))
        return subject, tuple(filter(None, (plain_gloss(synset.gloss) for synset in synsets)))

    def senses(self, tag: str) -> tuple[Sense, ...]:
        """Unlike senses of the tag, likeliest first; empty where there is only one."""
        found: dict[str, str] = {}
        for synset in self._lexicon.synsets(spaced(normalize_category(tag))):
            label = self._lexicon.kind_of(synset) or synset.names[0]
            words = _words(f"{label} {synset.gloss}")
            kinds = (other.rpartition(" ")[2] for other in found)
            if synset.gloss and not any({kind, f"{kind}s"} & words for kind in kinds):
                found[label] = synset.gloss
        senses = tuple(Sense(label, gloss) for label, gloss in found.items())[:MAX_SENSES]
        return senses if len(senses) > 1 else ()

    def with_sense(self, gloss: str) -> LexiconDescriber:
        return LexiconDescriber(self._lexicon, gloss)

    def _in_sense(self, tag: str) -> Synset | None:
        """The synset that a sense in brackets names: "crane (bird)"; None without one, or where none fits."""
        word, sense = split_sense(tag)
        if not sense:
            return None
        forms = {sense, *singulars(sense), sense.rpartition(" ")[2], sense.partition(" of ")[0]}
        for described in (self._kinds, lambda synset: {synset.domain}, lambda synset: _words(synset.gloss)):
            fitting = (synset for synset in self._lexicon.synsets(word) if forms & described(synset))
            if found := next(fitting, None):
                return found
        return None

    def _kinds(self, synset: Synset) -> set[str]:
        """Kinds of a synset, each wider than the last: of a corgi "dog", then the kind of that ..."""
        kinds = set(map(str.casefold, synset.names))
        while (kind := self._lexicon.kind_of(synset)) and kind not in kinds:
            kinds |= {kind, kind.rpartition(" ")[2]}
            if not (above := self._lexicon.likely(kind)):
                break
            synset = above[0]
        return kinds

    def _find(self, tag: str) -> tuple[str, tuple[Synset, ...]]:
        """Subject of the sentences ("a red bus") and the one or two synsets they describe."""
        words = tag.casefold()
        if in_sense := self._in_sense(words):
            return self._singular(split_sense(words)[0]), (in_sense,)
        if chosen := [synset for synset in self._lexicon.synsets(tag) if synset.gloss == self._gloss][:1]:
            return self._singular(words), tuple(chosen)
        if acting := as_action(words):
            acts = [synset for synset in self._lexicon.synsets(acting) if "act" in (synset.domain, synset.kind)][:1]
            return f"someone {acting}" if acts and acts[0].kind == "act" else acting, tuple(acts)
        if as_quality(words):
            foods = [one for one in self._lexicon.synsets(words) if (one.domain, one.names[0]) == ("food", words)]
            return with_article(words), tuple(foods[:1])
        if synsets := self._lexicon.likely(words):
            return self._singular(words), synsets
        is_name = tag != words and all(part[:1].isupper() for part in tag.split(" "))
        return self._singular(words), () if is_name else self._narrowed(words.split(" "))

    def _narrowed(self, words: list[str]) -> tuple[Synset, ...]:
        """Synsets of the longest known noun that a phrase ends in: those of the bus for a red bus.

        After another noun ("toy car") the last word may mean anything: unless it has a single synset, the sentences
        only say that a toy car is a kind of car.
        """
        for start in range(1, len(words)):
            head = " ".join(words[start:])
            if not (synsets := self._lexicon.likely(head)):
                continue
            if all(map(is_modifier, words[:start])):
                return tuple(replace(synset, names=synset.names[:1]) for synset in synsets)
            if len(head) > 2 and all(map(self._lexicon.mentions, words[:start])):
                certain = synsets[0].domain == "everyday" or len(self._lexicon.synsets(head)) == 1
                gloss = synsets[0].gloss if certain else ""
                return (Synset((), gloss, synsets[0].domain, next(singulars(head), head)),)
            return ()
        return ()

    def _singular(self, words: str) -> str:
        """ "two teddy bears" -> "a teddy bear"; jeans stay jeans."""
        first, _, rest = words.partition(" ")
        if rest and is_number(first):
            words = rest
        if words in self._lexicon or not is_plural(words.rpartition(" ")[2]):
            return with_article(words)
        known = (one for one in singulars(words) if {one, one.rpartition(" ")[2]} & self._lexicon.names)
        return with_article(next(known, words))

    def _sentences(self, subject: str, synset: Synset) -> Iterator[str]:
        """Sentences about one synset, the most informative first."""
        clauses = [clause.strip() for clause in plain_gloss(synset.gloss).split(";")]
        kind = self._lexicon.kind_of(synset)
        if kind and kind != "act" and not subject.endswith(f"a {kind}"):
            yield f"{subject}, {with_article(kind) if _SAYS_WHERE.search(kind) else f'a kind of {kind}'}."
        if clauses[0]:
            yield f"{subject}, {clauses[0]}." if kind == "act" else self._define(subject, clauses[0])
        yield from filter(None, (parts_clause(subject, clause) for clause in clauses))
        yield from filter(None, (later_clause(subject, clause) for clause in clauses[1:]))
        others = [name for name in synset.names if not _is_latin(name) and name.casefold() not in subject]
        if others and kind != "act" and synset.domain != "person":
            yield f"{subject}, also called {with_article(others[0])}."

    def _define(self, subject: str, clause: str) -> str:
        """The defining clause of a gloss as a sentence."""
        words = clause.split(" ")
        first = words[0].casefold()
        if first in gloss_words("start of an apposition"):
            return f"{subject}, {clause}."
        if first in gloss_words("start of a modifier"):
            return f"{subject} {clause}."
        phrase = opening(clause)
        if phrase[:1] == words[:1] and (len(phrase) == 1 or self._lexicon.genus(clause)):
            bare = is_plural(phrase[-1]) or is_mass(phrase[-1])
            return f"{subject}, {'' if bare else article(clause) + ' '}{clause}."
        return f"{subject}: {clause}."


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))


def _is_latin(name: str) -> bool:
    """Whether a name looks like a scientific one: "Canis familiaris", but not "Welsh corgi"."""
    return re.fullmatch(r"[A-Z][a-z]+ [a-z ]*[a-z]+(a|ae|ens|es|ii|is|on|os|um|us)", name) is not None


_SAYS_WHERE = re.compile(" (of|in|by|on|to) ")
