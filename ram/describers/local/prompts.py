"""Prompt of the local language model: worked examples, then the tag with its gloss and the start of a sentence.

The wording lies in ``prompts.json``; raise its version with every change, so that cached sentences are written again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from ram.describers.wording import is_plural
from ram.text.files import package_file, read_json

MAX_GLOSS_WORDS = 30
"""Words of a gloss in the prompt, so that prompt and answer fit the context of the model."""


@dataclass(frozen=True)
class WorkedExample:
    """A tag with its gloss, and the sentence that a model should write about it."""

    name: str
    gloss: str
    sentence: str


@dataclass(frozen=True)
class CompletionPrompts:
    """Wording of the text that the model completes.

    Args:
        version: part of the describer's fingerprint.
        heading: first line.
        entry: one tag, with places for ``{name}``, ``{gloss}`` and ``{sentence}``.
        entry_without_gloss: the same for a tag whose meaning is unknown.
        openings: starts of a sentence about one ``{subject}``, taken in turn.
        plural_openings: the same for several: "jeans are".
        examples: shown before the tag.
    """

    version: str
    heading: str
    entry: str
    entry_without_gloss: str
    openings: tuple[str, ...]
    plural_openings: tuple[str, ...]
    examples: tuple[WorkedExample, ...]

    def opening(self, subject: str, index: int) -> str:
        """Start of sentence number ``index`` about a subject: "A corgi is"."""
        plural = is_plural(subject.rpartition(" ")[2]) and not subject.casefold().startswith(_SINGULAR)
        openings = self.plural_openings if plural else self.openings
        return openings[index % len(openings)].format(subject=subject[:1].upper() + subject[1:])

    def prompt(self, name: str, gloss: str, opening: str) -> str:
        """Text to complete: worked examples, then the name, its gloss where there is one, and the opening."""
        shown = [self._entry(one.name, one.gloss, one.sentence) for one in self.examples]
        return "\n\n".join([self.heading, *shown, self._entry(name, gloss, opening)])

    def _entry(self, name: str, gloss: str, sentence: str) -> str:
        entry = self.entry if gloss else self.entry_without_gloss
        return entry.format(name=name, gloss=" ".join(gloss.split()[:MAX_GLOSS_WORDS]), sentence=sentence)


@cache
def load_prompts() -> CompletionPrompts:
    """Read ``prompts.json`` of the package."""
    document = read_json(package_file("describers/local/prompts.json"))
    lists = {name: tuple(document[name]) for name in ("openings", "plural_openings")}
    examples = tuple(WorkedExample(**one) for one in document["examples"])
    return CompletionPrompts(**{**document, **lists, "examples": examples})


_SINGULAR = ("a ", "an ", "someone ", "something ")
