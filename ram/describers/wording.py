"""English for prompts: articles, plurals, -ing forms, and whether a tag names a thing, an action or a quality.

Rules on word lists and endings, without a grammar model: deterministic, and wrong for some words. A word in no list
counts as a countable noun. The lists lie in ``word_classes.csv`` and ``plurals.csv``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from ram.text.files import package_file, read_table, read_word_classes


def plain_prompt(tag: str) -> str:
    """The prompt that every describer gives first: "a photo of a corgi.", "a photo of someone running."."""
    return f"a photo of {in_a_photo(tag)}."


def in_a_photo(tag: str) -> str:
    """Noun phrase for a photo with this tag: "a corgi", "jeans", "someone running", "something red".

    A name of several capitalised words stays as it is; other capitals are lowered.
    """
    if acting := as_action(tag):
        return f"someone {acting}"
    if bearer := as_quality(tag):
        return f"{bearer} {tag.casefold()}"
    parts = tag.split(" ")
    if len(parts) > 1 and all(part[:1].isupper() for part in parts):
        return tag
    return with_article(" ".join(part if part.isupper() else part.casefold() for part in parts))


def as_action(tag: str) -> str | None:
    """ "run" -> "running", "play tennis" -> "playing tennis"; "surfing" stays; None for a thing."""
    tag = tag.casefold()
    first, _, rest = tag.partition(" ")
    last = rest.rpartition(" ")[2]
    if rest:
        if last in word_class("compound head"):
            return None
        if first in word_class("action on a thing") - word_class("action and thing"):
            return f"{gerund(first)} {rest}"
        return tag if first in _gerunds("action on a thing") or _is_only_gerund(last) else None
    if first in word_class("action") - word_class("action and thing"):
        return gerund(first)
    return first if _is_only_gerund(first) else None


def also_action(tag: str) -> str | None:
    """ "slide" -> "sliding": the action of a word that primarily names a thing, else None."""
    return gerund(tag.casefold()) if tag.casefold() in word_class("action and thing") else None


def as_quality(tag: str) -> str | None:
    """ "something" for "red", "someone" for "shirtless"; None for a tag that names a thing or an action."""
    word = tag.casefold()
    return "someone" if word in word_class("look of people") else "something" if word in word_class("quality") else None


def is_modifier(word: str) -> bool:
    """Whether a word before a noun only narrows it down: "red", "small", "parked", "sleeping", "two"."""
    word = word.casefold()
    if as_quality(word) or is_number(word) or word in _gerunds("action"):
        return True
    return len(word) > 4 and word.endswith("ed") and not word.endswith("eed")


def is_number(word: str) -> bool:
    """Whether a word before a noun says how many: "two", "many", "12"."""
    return word in word_class("number") or word.isdigit()


def with_article(phrase: str) -> str:
    """Add "a" or "an" where English has one: a corgi, an hourglass, two dogs, jeans, snow."""
    parts = phrase.casefold().split(" ")
    first, last = parts[0], parts[-1]
    if is_plural(last) or is_mass(last) or first in word_class("determiner") or is_number(first):
        return phrase
    return f"{article(phrase)} {phrase}"


def article(phrase: str) -> str:
    """ "a" or "an", by the sound of the first word: a unicorn, an hour, an SUV, an 8-ball."""
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
    """Whether a noun is plural: dogs, jeans, people; not bus, glass or tennis."""
    word = word.casefold()
    if word in _irregular_plurals():
        return True
    ends = word.endswith("s") and not word.endswith(("ss", "us", "is", "'s"))
    return ends and len(word) > 3 and word not in word_class("singular in -s")


def is_mass(word: str) -> bool:
    """Whether a noun takes no "a": snow, furniture, skiing, photography."""
    word = word.casefold()
    countable = word in word_class("countable noun in -ing")
    if word in word_class("mass noun") or word.endswith(_MASS_ENDINGS) or word in _gerunds("action"):
        return not countable
    return word.endswith("ing") and len(word) > 5 and not (countable or word.endswith("thing"))


def singulars(phrase: str) -> Iterator[str]:
    """Candidates for the singular of a phrase: "teddy bears" -> "teddy bear"; none where it is not plural."""
    start, _, last = phrase.rpartition(" ")
    start = f"{start} " if start else ""
    if last in _irregular_plurals():
        yield start + _irregular_plurals()[last]
    if is_plural(last):
        for ending, replacement in _SINGULAR_ENDINGS:
            if last.endswith(ending):
                yield start + last.removesuffix(ending) + replacement


def gerund(verb: str) -> str:
    """run -> running, ride -> riding, lie -> lying, play -> playing."""
    if verb.endswith("ie"):
        return f"{verb[:-2]}ying"
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")):
        return f"{verb[:-1]}ing"
    if re.fullmatch(r"[^aeiou]*(qu)?[aeiou][^aeiouwxy]", verb):
        return f"{verb}{verb[-1]}ing"
    return f"{verb}ing"


def word_class(name: str) -> frozenset[str]:
    """Words of one class of ``word_classes.csv``; KeyError where there is no such class."""
    return _word_classes()[name]


@cache
def _word_classes() -> dict[str, frozenset[str]]:
    return read_word_classes(package_file("describers/word_classes.csv"))


@cache
def _gerunds(name: str) -> frozenset[str]:
    """The -ing forms of a class of verbs."""
    return frozenset(map(gerund, word_class(name)))


def _is_only_gerund(word: str) -> bool:
    """Whether a word is an -ing form and no noun of its own: "surfing", not "painting"."""
    return word in _gerunds("action") and word not in word_class("countable noun in -ing")


@cache
def _irregular_plurals() -> dict[str, str]:
    rows = read_table(package_file("describers/plurals.csv"), ("plural", "singular"))
    return {row["plural"]: row["singular"] for _, row in rows}


_VOWEL = re.compile("[aeiouy]")
_MASS_ENDINGS = ("ware", "wear", "graphy", "ness")
_SINGULAR_ENDINGS = (
    ("ies", "y"), ("ves", "f"), ("ves", "fe"), ("sses", "ss"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"),
    ("s", ""), ("oes", "o"),
)  # fmt: skip
