"""Prompt ensemble: one tag in several plain sentences about a photo of it, for any word, offline."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache

from ram.describers.base import Describer
from ram.describers.wording import (
    also_action,
    as_action,
    as_quality,
    in_a_photo,
    is_plural,
    plain_prompt,
    singulars,
    with_article,
)
from ram.errors import InputError
from ram.text.files import package_file, read_table
from ram.text.names import normalize_category, spaced, split_sense


class TemplateDescriber(Describer):
    """Fill the templates of ``templates.csv`` for a thing, an action or a quality.

    They are worded like the captions that RAM++ learns from, which they come nearer to than variations on "a photo of".
    """

    name = "template"
    fingerprint = "template-1"

    def describe(self, tag: str) -> Iterator[str]:
        """Yield the plain prompt, then four to eight variations, always the same."""
        tag = spaced(normalize_category(tag))
        yield plain_prompt(tag)
        if action := as_action(tag):
            yield from (template.format(action=action) for template in _templates("action"))
        elif bearer := as_quality(tag):
            quality = tag.casefold()
            yield from (template.format(bearer=bearer, quality=quality) for template in _templates("quality"))
        else:
            thing, is_are = in_a_photo(tag), "are" if is_plural(tag.rpartition(" ")[2]) else "is"
            yield from (template.format(thing=thing, is_are=is_are) for template in _templates("thing"))
            if action := also_action(tag):
                yield f"a photo of someone {action}."


def is_template(sentence: str, tag: str) -> bool:
    """Whether a sentence only puts the tag's name into a template and says nothing of its looks.

    Case and the full stop do not matter. A sense in brackets is part of the name: of "crane (bird)", "a photo of a
    crane, a bird." is a template too.
    """
    return _comparable(sentence) in _sentences_by_name(spaced(tag))


@cache
def _templates(kind: str) -> tuple[str, ...]:
    rows = read_table(package_file("describers/templates.csv"), ("kind", "template"))
    return tuple(row["template"] for _, row in rows if row["kind"] == kind)


@lru_cache(maxsize=4096)
def _sentences_by_name(tag: str) -> frozenset[str]:
    """Templates filled for a tag, for its singular, and for both without their sense, as they are compared."""
    word, sense = split_sense(tag)
    describer, forms = TemplateDescriber(), (word, *singulars(word))
    try:
        sentences = [sentence for name in dict.fromkeys((tag, *forms)) for sentence in describer.describe(name)]
    except InputError:  # a name that no describer takes
        return frozenset()
    if sense:
        sentences += [f"a photo of {with_article(form)}, {with_article(sense)}." for form in forms]
    return frozenset(map(_comparable, sentences))


def _comparable(sentence: str) -> str:
    return sentence.strip().rstrip(".").casefold()
