"""The prompt ensemble: one tag in several plain sentences about a photo of it, for any word, offline."""

from __future__ import annotations

from collections.abc import Iterator

from ram.describers.wording import also_action, as_action, as_quality, in_a_photo, is_plural, plain_prompt
from ram.text.descriptions import normalize_category

THING_TEMPLATES = (
    "there {is_are} {thing}.",
    "here {is_are} {thing}.",
    "{thing} {is_are} in the picture.",
    "{thing} can be seen.",
    "this shows {thing}.",
    "a scene with {thing}.",
    "a close view of {thing}.",
)
"""Worded like the captions that RAM++ learns from: nearer to them than variations on "a photo of"."""
ACTION_TEMPLATES = (
    "there is someone {action}.",
    "someone is {action}.",
    "people {action}.",
    "someone {action} can be seen.",
    "a scene of {action}.",
)
QUALITY_TEMPLATES = (
    "there is {owner} {quality}.",
    "{owner} is {quality}.",
    "{owner} {quality} can be seen.",
    "a scene with {owner} {quality}.",
)


class TemplateDescriber:
    """Puts the tag into our prompt templates, worded for a thing, an action or a quality."""

    name = "template"
    fingerprint = "template-1"

    def describe(self, tag: str) -> Iterator[str]:
        """The plain prompt first, then four to seven variations; always the same."""
        tag = normalize_category(tag)
        yield plain_prompt(tag)
        if action := as_action(tag):
            yield from (template.format(action=action) for template in ACTION_TEMPLATES)
        elif owner := as_quality(tag):
            quality = tag.casefold()
            yield from (template.format(owner=owner, quality=quality) for template in QUALITY_TEMPLATES)
        else:
            thing, is_are = in_a_photo(tag), "are" if is_plural(tag.rpartition(" ")[2]) else "is"
            yield from (template.format(thing=thing, is_are=is_are) for template in THING_TEMPLATES)
            if action := also_action(tag):
                yield f"a photo of someone {action}."
