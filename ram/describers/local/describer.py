"""Descriptions by a small language model on this machine: no key, no cost, no network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from ram.describers.base import Describer, Sense
from ram.describers.lexicon.describer import LexiconDescriber
from ram.describers.local.prompts import load_prompts
from ram.describers.local.selection import VERSION, Encode, Selection
from ram.describers.local.server import Completion
from ram.describers.wording import as_quality, in_a_photo, plain_prompt
from ram.errors import DescriberError
from ram.text.names import normalize_category, spaced, unreadable_words

MAX_ASKED = 16
"""Sentences that the model is asked for about one tag."""
MAX_KEPT = 8
"""Sentences after which it is asked for no more."""
TEMPERATURE = 0.75
MAX_TOKENS = 40
"""Tokens of a sentence; a longer one is not used."""


class CompletionModel(Protocol):
    """Language model that continues a text."""

    @property
    def fingerprint(self) -> str:
        """Everything about the model that changes its sentences."""
        ...

    def complete(self, prompt: str, *, tokens: int, temperature: float, seed: int) -> Completion:
        """Continue a prompt up to the end of the line."""
        ...


class LocalDescriber(Describer):
    """Let a language model finish sentences about a tag, grounded in the lexicon's gloss, and keep the usable ones.

    Each sentence is asked for on its own, from one of several beginnings and with a seed of its own, so that a tag gets
    the same sentences again from the same model.

    Args:
        model: continues the prompts, such as `ram.describers.local.server.CompletionServer`.
        lexicon: knows the meaning of the tags.
        encode: text encoder that finds sentences far from the gloss and repetitions; None finds neither.
    """

    name = "local"

    def __init__(self, model: CompletionModel, lexicon: LexiconDescriber, encode: Encode | None = None) -> None:
        self._model = model
        self._lexicon = lexicon
        self._encode = encode

    def __repr__(self) -> str:
        return f"LocalDescriber({self._model!r})"

    @property
    def fingerprint(self) -> str:
        """Model, prompt version, numbers of sentences, temperature, selection, and the lexicon with its sense."""
        compared = "" if self._encode else " without a text encoder"
        return (
            f"{self._model.fingerprint}, prompts {load_prompts().version}, {MAX_KEPT} of {MAX_ASKED} sentences, "
            f"temperature {TEMPERATURE:g}, {VERSION}{compared}, {self._lexicon.fingerprint}"
        )

    def describe(self, tag: str) -> Iterator[str]:
        """Yield the plain prompt, then up to `MAX_KEPT` sentences as they are written.

        A tag that an English text encoder cannot read gets the plain prompt only.

        Raises:
            InputError: the tag is not a category.
            DescriberError: the model cannot be used, or none of its sentences can.
        """
        tag = spaced(normalize_category(tag))
        yield plain_prompt(tag)
        if unreadable_words(tag):
            return
        subject, glosses = self._lexicon.grounding(tag)
        subject = in_a_photo(tag) if as_quality(tag) else subject
        prompts, selection = load_prompts(), Selection(tag, glosses, self._encode)
        for index in range(MAX_ASKED):
            opening = prompts.opening(subject, index)
            gloss = glosses[index // len(prompts.openings) % len(glosses)] if glosses else ""
            prompt = prompts.prompt(tag, gloss, opening)
            answer = self._model.complete(prompt, tokens=MAX_TOKENS, temperature=TEMPERATURE, seed=index + 1)
            if sentence := selection.keep(opening + answer.text, answer.finished):
                yield sentence
            if len(selection) == MAX_KEPT:
                return
        if not len(selection):
            raise DescriberError("The local language model wrote no usable sentence.")

    def senses(self, tag: str) -> Sequence[Sense]:
        return self._lexicon.senses(tag)

    def with_sense(self, gloss: str) -> LocalDescriber:
        return LocalDescriber(self._model, self._lexicon.with_sense(gloss), self._encode)
