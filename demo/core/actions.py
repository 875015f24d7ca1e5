"""What the page's controls do: values in, values out. Nothing here knows gradio or HTML.

A photo is looked at once by every model. What a visitor types is described and embedded once. Scoring the one against
the other is cheap, so either may change without repeating the work of the other.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from PIL import Image

from demo.core.categories import Categories
from demo.core.photos import Photo, Scores, Tagged, look
from demo.server.limits import Limits
from ram.describers.base import Describer, Sense
from ram.describers.fallback import DescribedSentence, Notice, describe_with_fallback
from ram.errors import DescriberError, ImageError, InputError, TextEncoderError
from ram.prediction import Explanation
from ram.tagger import Tagger
from ram.text.descriptions import parse_categories

PREDEFINED = "the model's own list"
"""Origin of the sentences of predefined tags."""
UNEXPECTED = "Something went wrong on our side and has been noted: try again, or with another photo."

_log = logging.getLogger(__name__)


class Workbench:
    """The taggers and describers behind the page; holds nothing of any visitor and may be shared between threads.

    Args:
        taggers: the one that tags photos first, then those it is compared with.
        describer: makes a describer by its name.
        fallback: name of the describer that takes over when the chosen one fails.
        limits: what language models may cost; the default ones where None.
    """

    def __init__(
        self,
        taggers: Sequence[Tagger],
        describer: Callable[[str], Describer],
        fallback: str = "lexicon",
        limits: Limits | None = None,
    ) -> None:
        if not taggers:
            raise ValueError("the page needs at least one model")
        names = [tagger.name for tagger in taggers]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two of the models are called {twice.pop()!r}: give models of different names")
        self.taggers = tuple(taggers)
        self._make_describer = describer
        self._fallback = fallback
        self.limits = limits or Limits()
        self._describers: dict[str, Describer] = {}
        self._lock = threading.Lock()

    @property
    def labels(self) -> dict[str, str]:
        """What to call each model: RAM, RAM++ or CLIP, or by its name where two are of one kind."""
        kinds = {tagger.name: tagger.kind for tagger in self.taggers}
        return {name: kind if list(kinds.values()).count(kind) == 1 else name for name, kind in kinds.items()}

    def tag(self, picture: str | Path) -> Iterator[Tagged]:
        """Look at a photo with one model after the other; the tags are there after the first.

        Raises:
            ImageError: the picture cannot be used; the message says why.
        """
        return look(self.taggers, picture)

    def describe(
        self, text: str, describer: str, visitor: str = "", senses: Mapping[str, str] | None = None
    ) -> Iterator[Categories]:
        """Describe and embed what was typed, yielding what is there after each sentence and each finished category.

        Args:
            text: one or more categories, as typed.
            describer: name of the one to ask.
            visitor: who asks, by the name of `Limits.visitor`; those without share one budget.
            senses: which meaning some of them have, by its gloss.

        Raises:
            InputError: nothing typed, or something that is no category; the message says what.
            DescriberError: neither the describer nor its fallback has anything to say.
            TextEncoderError: sentences cannot be embedded.
        """
        try:
            so_far = Categories(parse_categories(text), senses=senses or {})
        except ValueError as error:
            raise InputError(str(error)) from None
        chosen, fallback, said = self._choose(describer, visitor)
        so_far = dataclasses.replace(so_far, noted=said)
        yield so_far
        for tag in so_far.names:
            so_far = yield from self._hear(so_far, tag, chosen, fallback)

    def meanings(self, tag: str) -> Sequence[Sense]:
        """What a category may mean, where it is known to mean several things."""
        return self._describer(self._fallback).senses(tag)

    def mean(
        self, categories: Categories, tag: str, gloss: str, describer: str, visitor: str = ""
    ) -> Iterator[Categories]:
        """Describe one category anew in the meaning of this gloss, or in any where it is empty; the others stay.

        Raises:
            InputError: no such category or meaning.
            DescriberError, TextEncoderError: as :meth:`describe`.
        """
        if tag not in categories.names or (gloss and gloss not in {known.gloss for known in self.meanings(tag)}):
            raise InputError("this meaning is not known here: choose another, or type the category again")
        chosen, fallback, said = self._choose(describer, visitor)
        cleared = dataclasses.replace(categories.forget(tag), senses={**categories.senses, tag: gloss}, noted=said)
        yield from self._hear(self.embed(cleared), tag, chosen, fallback)

    def open(self, tag: str) -> Categories:
        """A predefined tag, for the main model, as a category whose sentences may be edited; ValueError where it is
        none."""
        main = self.taggers[0]
        held = main.bank.select([tag])
        told = tuple(DescribedSentence(text, PREDEFINED) for text in held.descriptions[tag])
        rows = held.embedded.embeddings[0].cpu()
        known = {sentence.text: row for sentence, row in zip(told, rows, strict=False)}
        opened = Categories(
            (tag,), {tag: told}, finished=frozenset([tag]), vectors={held.text_encoder: known},
            thresholds={tag: held.vocabulary.thresholds[0]},
        )  # fmt: skip
        return self.embed(opened, self.taggers[:1])

    def embed(self, categories: Categories, taggers: Sequence[Tagger] | None = None) -> Categories:
        """The same with every sentence in use embedded; what was embedded before is not embedded again.

        Args:
            categories: as described so far.
            taggers: those that will score them; all where None.

        Raises:
            TextEncoderError: sentences cannot be embedded.
        """
        vectors = {encoder: dict(known) for encoder, known in categories.vectors.items()}
        taggers = self.taggers if taggers is None else taggers
        for tagger in taggers:
            known = vectors.setdefault(tagger.config.text_encoder, {})
            used = (text for tag in categories.names for text in categories.used(tag)[: tagger.config.max_descriptions])
            if new := [text for text in dict.fromkeys(used) if text not in known]:
                known.update(zip(new, tagger.text_encoder.encode(new).cpu(), strict=True))
        embedded = dataclasses.replace(categories, vectors=vectors)
        banks = {t.name: embedded.bank(t.config.text_encoder, t.config.max_descriptions) for t in taggers}
        return dataclasses.replace(embedded, banks={name: bank for name, bank in banks.items() if bank is not None})

    def why(self, photo: Photo | None, categories: Categories, tag: str) -> Explanation | None:
        """What the main model has to say for its score of a category; None where there is no photo or no sentence."""
        main = self.taggers[0]
        bank = categories.banks.get(main.name)
        if photo is None or main.name not in photo.features or bank is None or tag not in bank.vocabulary:
            return None
        return main.explain(photo.features[main.name].to(main.device), bank, tag)

    def score(self, photo: Photo | None, categories: Categories | None) -> Scores:
        """Every model that has looked at the photo on the finished categories; runs no image encoder."""
        if photo is None or categories is None:
            return {}
        return {
            tagger.name: tagger.score(photo.features[tagger.name].to(tagger.device), categories.banks[tagger.name])
            for tagger in self.taggers
            if tagger.name in photo.features and tagger.name in categories.banks
        }

    def warm_up(self) -> None:
        """Do once what the first photo and the first category would wait for; a failure only goes to the log."""
        steps: list[Callable[[], object]] = [partial(self._describer, self._fallback)]
        for tagger in self.taggers:
            steps += [partial(tagger.tag, Image.new("RGB", (8, 8))), partial(tagger.embed, {"dog": ["a dog."]})]
        for step in steps:
            try:
                step()
            except (DescriberError, TextEncoderError) as error:
                _log.warning("%s", error)

    def _choose(self, describer: str, visitor: str) -> tuple[Describer, Describer, tuple[Notice, ...]]:
        """The describer asked for, at the visitor's expense, the fallback, and what is to be said about the choice."""
        fallback = self._describer(self._fallback)
        try:
            chosen = self._describer(describer)
        except (DescriberError, ValueError) as error:
            said = f"{str(error).rstrip('.')}. The {fallback.name} describer takes over."
            return fallback, fallback, (Notice(said),)
        return chosen.with_meter(self.limits.meter(visitor)), fallback, ()

    def _describer(self, name: str) -> Describer:
        with self._lock:
            if name not in self._describers:
                self._describers[name] = self._make_describer(name)
            return self._describers[name]

    def _hear(
        self, so_far: Categories, tag: str, chosen: Describer, fallback: Describer
    ) -> Generator[Categories, None, Categories]:
        """What is there after each sentence about a category in its sense, embedded as it comes."""
        if gloss := so_far.senses.get(tag):
            chosen, fallback = chosen.with_sense(gloss), fallback.with_sense(gloss)
        for part in describe_with_fallback(chosen, fallback, tag):
            if isinstance(part, Notice):
                so_far = dataclasses.replace(so_far, noted=(*so_far.noted, part))
            else:
                so_far = self.embed(so_far.hear(tag, part))
            yield so_far
        so_far = dataclasses.replace(so_far, finished=so_far.finished | {tag})
        yield so_far
        return so_far


def paced(
    states: Iterable[Categories], seconds: float = 0.05, clock: Callable[[], float] = time.monotonic
) -> Iterator[Categories]:
    """The same states without those that follow too soon on the last one seen; a finished category always shows."""
    shown_at, finished = -seconds, 0
    for state in states:
        now = clock()
        if now - shown_at >= seconds or len(state.finished) > finished:
            shown_at, finished = now, len(state.finished)
            yield state


def explain(error: Exception) -> str:
    """What a visitor reads: the error's own sentence if it was written for them, else a general one and a log entry."""
    if isinstance(error, (ImageError, InputError, DescriberError, TextEncoderError)):
        return f"{str(error).rstrip('.')}."
    _log.error("unexpected failure behind the page", exc_info=error)
    return UNEXPECTED
