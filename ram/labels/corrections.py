"""Corrections of the English pipeline on captions: lemmas and nouns that it gets wrong.

``lemmas.csv`` was found by comparing the lemma of every word of Flickr8k's 30,000 training captions with an inflection
dictionary; frequent disagreements and common misspellings were reviewed by hand. ``plural_names.txt`` lists plurals
that name one thing, or another thing than their singular. ``attribute_nouns.txt`` lists nouns that say what the next
noun looks like: an "orange shirt" is orange, but a "city street" is not a city.
"""

from __future__ import annotations

from functools import cache

from ram.text.files import package_file, read_lines, read_table

_SINGULAR_DIFFERS = frozenset({"indoors", "outdoors"})
"""Plural names that the pipeline gives a useful lemma of its own."""


@cache
def lemmas() -> dict[str, str]:
    """Word to the lemma a reader would give."""
    rows = read_table(package_file("labels/lemmas.csv"), ("word", "lemma"))
    corrected = {row["word"]: row["lemma"] for _, row in rows}
    return {name: name for name in plural_names() - _SINGULAR_DIFFERS} | corrected


@cache
def plural_names() -> frozenset[str]:
    """Plurals that name one thing."""
    return frozenset(read_lines(package_file("labels/plural_names.txt")))


@cache
def attribute_nouns() -> frozenset[str]:
    """Nouns that describe the next noun."""
    return frozenset(read_lines(package_file("labels/attribute_nouns.txt")))
