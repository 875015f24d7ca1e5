"""Prompts of the baselines: one hand-written sentence for each tag, or an ensemble of them."""

from __future__ import annotations

from collections.abc import Sequence

from ram.describers.template import TemplateDescriber
from ram.describers.wording import plain_prompt
from ram.errors import InputError
from ram.evaluation.baselines.protocol import Sentences

PROMPTS = ("name", "ensemble")


def prompts_of(tags: Sequence[str], kind: str) -> Sentences:
    """Return the sentences of each tag: "name" for "a photo of a corgi.", "ensemble" for all templates.

    Raises:
        InputError: there is no such kind.
    """
    if kind == "name":
        return {tag: (plain_prompt(tag),) for tag in tags}
    if kind == "ensemble":
        describer = TemplateDescriber()
        return {tag: tuple(describer.describe(tag)) for tag in tags}
    raise InputError(f"there are no prompts {kind!r}: choose one of {', '.join(PROMPTS)}, or give descriptions")
