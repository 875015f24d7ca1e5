"""English for prompts: articles, number, -ing forms, and whether a tag names a thing, an action or a quality.

Word lists and endings, no grammar model: wrong now and then, never random. A word in no list is taken for a
thing that can be counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ram.describers import wording_lists as words


def plain_prompt(tag: str) -> str:
    """The prompt that every describer gives first: "a photo of a corgi.", "a photo of someone running."."""
    return f"a photo of {in_a_photo(tag)}."


def in_a_photo(tag: str) -> str:
    """What a photo with this tag shows: "a corgi", "jeans", "someone running", "something red".

    A name of several capitalised words is left as it is, other capitals are lowered.
    """
    if acting := as_action(tag):
        return f"someone {acting}"
    if owner := as_quality(tag):
        return f"{owner} {tag.casefold()}"
    parts = tag.split(" ")
    if len(parts) > 1 and all(part[:1].isupper() for part in parts):
        return tag
    return with_article(" ".join(part if part.isupper() else part.casefold() for part in parts))


def as_action(tag: str) -> str | None:
    """ "run" -> "running", "play tennis" -> "playing tennis"; "surfing" stays; None for a thing."""
    tag = tag.casefold()
    first, _, rest = tag.partition(" ")
    if rest:
        if rest.split(" ")[-1] in words.NOT_DONE_TO:
            return None
        if first in words.ACTIONS_ON_THINGS - words.ACTIONS_AND_THINGS:
            return f"{gerund(first)} {rest}"
        acting = first in _GERUNDS_ON_THINGS or rest.split(" ")[-1] in _GERUNDS - words.COUNTED_ING
        return tag if acting else None
    if first in words.ACTIONS - words.ACTIONS_AND_THINGS:
        return gerund(first)
    return first if first in _GERUNDS - words.COUNTED_ING else None


def also_action(tag: str) -> str | None:
    """ "slide" -> "sliding": the action of a word that names a thing in the first place, else None."""
    return gerund(tag.casefold()) if tag.casefold() in words.ACTIONS_AND_THINGS else None


def as_quality(tag: str) -> str | None:
    """ "something" for "red", "someone" for "shirtless"; None for a tag that names a thing or an action."""
    word = tag.casefold()
    return "someone" if word in words.LOOKS_OF_PEOPLE else "something" if word in words.QUALITIES else None


def is_modifier(word: str) -> bool:
    """Whether a word before a noun only narrows it down: "red", "small", "parked", "sleeping", "two"."""
    word = word.casefold()
    if as_quality(word) or word in words.NUMBERS or word in _GERUNDS:
        return True
    return len(word) > 4 and word.endswith("ed") and not word.endswith("eed")


def with_article(phrase: str) -> str:
    """A corgi, an hourglass, two dogs; jeans and snow stay bare."""
    parts = phrase.casefold().split(" ")
    first, last = parts[0], parts[-1]
    if is_plural(last) or is_mass(last) or first in _DETERMINERS | words.NUMBERS or first.isdigit():
        return phrase
    return f"{article(phrase)} {phrase}"


def article(phrase: str) -> str:
    """ "a" or "an", by how the first word sounds: a unicorn, an hour, an SUV, an 8-ball."""
    word = re.split(r"[\s-]", phrase, maxsplit=1)[0]
    lower = word.casefold()
    if word[:1].isdigit():
        return "an" if word[0] == "8" or re.match(r"(11|18)(\D|$)", word) else "a"
    spelled = (word.isupper() and len(word) < 4) or (len(word) < 6 and not _VOWEL.search(lower))
    if spelled or lower in ("suv", "atm", "usb", "ufo", "uv"):
        return "an" if lower[:1] in "aefhilmnorsx" else "a"
    if re.match(r"(hour|honest|honou?r|heir)", lower):
        return "an"
    if re.match(r"(uni([^nmd]|$)|union|us[aeu]|ut[ei]|eu|ewe|one|once|ukulele|ur[aeiou]|ub[aeiou])", lower):
        return "a"
    return "an" if lower[:1] in "aeiouáéíóú" else "a"


def is_plural(word: str) -> bool:
    """Whether a noun stands for several: dogs, jeans, people; not bus, glass or tennis."""
    word = word.casefold()
    if word in words.PLURALS:
        return True
    ends = word.endswith("s") and not word.endswith(("ss", "us", "is", "'s"))
    return ends and len(word) > 3 and word not in words.SINGULAR_IN_S


def is_mass(word: str) -> bool:
    """Whether a noun takes no "a": snow, furniture, skiing, photography."""
    word = word.casefold()
    if word in words.MASS or word.endswith(("ware", "wear", "graphy", "ness")) or word in _GERUNDS:
        return word not in words.COUNTED_ING
    counted = word.endswith("thing") or word in words.COUNTED_ING
    return word.endswith("ing") and len(word) > 5 and not counted


def singulars(phrase: str) -> Iterator[str]:
    """What the singular of a phrase may be: "teddy bears" -> "teddy bear"; nothing where it is no plural."""
    start, _, last = phrase.rpartition(" ")
    start = f"{start} " if start else ""
    if last in words.PLURALS:
        yield start + words.PLURALS[last]
    if is_plural(last):
        for ending, instead in _SINGULAR_ENDINGS:
            if last.endswith(ending):
                yield start + last.removesuffix(ending) + instead


def gerund(verb: str) -> str:
    """run -> running, ride -> riding, lie -> lying, play -> playing."""
    if verb.endswith("ie"):
        return f"{verb[:-2]}ying"
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")):
        return f"{verb[:-1]}ing"
    if re.fullmatch(r"[^aeiou]*(qu)?[aeiou][^aeiouwxy]", verb):
        return f"{verb}{verb[-1]}ing"
    return f"{verb}ing"


_VOWEL = re.compile("[aeiouy]")
_SINGULAR_ENDINGS = (
    ("ies", "y"), ("ves", "f"), ("ves", "fe"), ("sses", "ss"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"),
    ("s", ""), ("oes", "o"),
)  # fmt: skip
_DETERMINERS = frozenset("a an the my your his her its our their this that these those some any no".split())
_GERUNDS = frozenset(map(gerund, words.ACTIONS))
_GERUNDS_ON_THINGS = frozenset(map(gerund, words.ACTIONS_ON_THINGS))
