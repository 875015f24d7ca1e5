"""Parse the glosses of a dictionary: the noun phrase they open with, and clauses about looks or use."""

from __future__ import annotations

import re
from functools import cache

from ram.text.files import package_file, read_word_classes


def plain_gloss(gloss: str) -> str:
    """A gloss without remarks in brackets and unusual quotes."""
    text = re.sub(r"\s*\([^()]*\)\s*", " ", gloss).replace("`", "'")
    return re.sub(r"\s+([,;:])", r"\1", re.sub(r"\s+", " ", text)).strip()


def opening(gloss: str) -> list[str]:
    """Words of the noun phrase that a gloss opens with, without "any of various" and the like."""
    words = re.split(r"[;,:]", plain_gloss(gloss))[0].split()
    while words:
        end = next((index for index in range(len(words)) if _ends_phrase(words, index)), len(words))
        head = words[end - 1].casefold() if end else ""
        if words[end : end + 1] == ["of"] and (end == 0 or head in gloss_words("quantity or kind")):
            words = words[end + 1 :]
        else:
            return [word for word in words[:end] if word.casefold() not in gloss_words("determiner")]
    return []


def parts_clause(subject: str, clause: str) -> str | None:
    """Sentence about the parts that a gloss names: "a corgi with erect ears and a fox-like head."."""
    head = " ".join(opening(clause)[-1:])
    found = re.search(rf"(?:\bhaving|\b{re.escape(head)}(?: \w+ly)? (?:with|bearing)) (?P<parts>.+)", clause)
    if found is None or found.start() == 0 or " " not in found["parts"]:
        return None
    return f"{subject} with {found['parts']}."


def later_clause(subject: str, clause: str) -> str | None:
    """Sentence from a later clause of a gloss, if that is about looks or use and can follow the subject."""
    words = clause.casefold().split(" ")
    if len(words) < 3 or _NOT_VISIBLE.search(clause):
        return None
    first = words[1] if words[0] in gloss_words("adverb of frequency") else words[0]
    if first in gloss_words("verb of looks or use"):
        return f"{subject} {clause}."
    if first in gloss_words("start of a modifier") or first.endswith("ed"):
        return f"{subject}, {clause}."
    return None


def gloss_words(name: str) -> frozenset[str]:
    """Words of one class of ``gloss_words.csv``; KeyError where there is no such class."""
    return _classes()[name]


@cache
def _classes() -> dict[str, frozenset[str]]:
    return read_word_classes(package_file("describers/lexicon/gloss_words.csv"))


def _ends_phrase(words: list[str], index: int) -> bool:
    """Whether a noun phrase ends before this word: at "cultivated in", but not at "colored parrot"."""
    word = words[index].casefold()
    if word in gloss_words("end of a noun phrase"):
        return True
    follower = "".join(words[index + 1 : index + 2]).casefold()
    is_participle = index > 0 and (word.endswith(("ed", "ing")) or word == "native")
    return is_participle and (follower in gloss_words("end of a noun phrase") or follower in gloss_words("determiner"))


_NOT_VISIBLE = re.compile(
    r"\b(genus|genera|family|order|classifications?|native|source|formerly|considered|placed|introduced|"
    r"origin|originally|believed|term|named|called|known)\b"
)
