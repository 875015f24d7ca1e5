"""The prompt ensemble: one tag in several plain sentences about a photo of it, for any word, offline."""

from __future__ import annotations

from collections.abc import Iterator

from ram.describers.wording import also_action, as_action, as_quality, in_a_photo, plain_prompt
from ram.descriptions import normalize_category

THING_TEMPLATES = (
    "a close-up photo of {}.",
    "a photo of {} seen from a distance.",
    "a photo with {} in the background.",
    "a bright, sharp photo of {}.",
    "a dark, blurry photo of {}.",
    "a snapshot in which {} can be seen.",
    "a picture showing part of {}.",
)
ACTION_TEMPLATES = (
    "a photo of people {}.",
    "a close-up photo of someone {}.",
    "someone is {} in this picture.",
    "a snapshot taken while {}.",
    "a scene of {}.",
)
QUALITY_TEMPLATES = (
    "a close-up photo of {owner} {}.",
    "a photo in which {owner} is {}.",
    "{owner} {} stands out in this picture.",
    "a picture with {owner} {} in the background.",
)


class TemplateDescriber:
    """Puts the tag into our prompt templates, worded for a thing, an action or a quality."""

    name = "template"
    fingerprint = "template-1"

    def describe(self, tag: str) -> Iterator[str]:
        """The plain prompt first, then four to seven variations; always the same."""
        tag = normalize_category(tag)
        yield plain_prompt(tag)
        if acting := as_action(tag):
            yield from (template.format(acting) for template in ACTION_TEMPLATES)
        elif owner := as_quality(tag):
            yield from (template.format(tag.casefold(), owner=owner) for template in QUALITY_TEMPLATES)
        else:
            yield from (template.format(in_a_photo(tag)) for template in THING_TEMPLATES)
            if acting := also_action(tag):
                yield f"a photo of someone {acting}."
