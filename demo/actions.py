"""What the page's controls do: values in, values out. Nothing here knows gradio or HTML.

A photo is looked at once by every model. What a visitor types is described and embedded once. Scoring the one against
the other is cheap, so either may change without repeating the work of the other.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from PIL import Image

from demo.limits import Limits
from ram.describers import DescribedSentence, Describer, DescriberError, Metered, Notice, describe_with_fallback
from ram.descriptions import parse_categories
from ram.embeddings import TagEmbeddingBank
from ram.image import PictureError, open_picture
from ram.models.image_encoder import ImageFeatures
from ram.models.text_encoder import TextEncoderError
from ram.prediction import Prediction
from ram.tagger import Tagger

PREVIEW_PIXELS = 1024
"""Longest side of the photo as the page shows it."""
UNEXPECTED = "Something went wrong on our side and has been noted: try again, or with another photo."

_log = logging.getLogger(__name__)


class InputError(ValueError):
    """What a visitor typed cannot be used; the text is a sentence for them."""


@dataclass(frozen=True)
class Photo:
    """A photo as the models see it.

    Args:
        features: by model name, on the CPU, where a waiting visitor holds no GPU memory.
        seconds: what looking at it took, by model name.
    """

    features: Mapping[str, ImageFeatures] = field(repr=False)
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Tagged:
    """A photo with its predefined tags.

    Args:
        photo: with the features of the models that have looked so far, the main one first.
        preview: what the models saw, upright and small enough to send.
        prediction: the main model's.
        seconds: what looking and scoring took the main model.
    """

    photo: Photo
    preview: Image.Image = field(repr=False)
    prediction: Prediction = field(repr=False)
    seconds: float


@dataclass(frozen=True)
class Categories:
    """What a visitor typed, described as far as the sentences have come.

    Args:
        names: in the order typed.
        sentences: of each category that has begun.
        banks: by model name, the embedded sentences of the categories that are finished.
        notices: what did not go as asked, in sentences for the visitor.
    """

    names: tuple[str, ...]
    sentences: Mapping[str, tuple[DescribedSentence, ...]] = field(default_factory=dict)
    banks: Mapping[str, TagEmbeddingBank] = field(default_factory=dict, repr=False)
    notices: tuple[str, ...] = ()

    @property
    def finished(self) -> frozenset[str]:
        """Those that are embedded and so can be scored."""
        return frozenset(tag for bank in self.banks.values() for tag in bank.vocabulary.tags)


Scores = Mapping[str, Prediction]
"""Predictions over the same categories, by model name."""


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
            PictureError: the picture cannot be used; the message says why.
        """
        start = time.perf_counter()
        opened = open_picture(picture)
        preview = opened.copy()
        preview.thumbnail((PREVIEW_PIXELS, PREVIEW_PIXELS))
        main, *others = self.taggers
        looked, photo = _look(main, opened, Photo({}))
        prediction = main.score(looked)
        first = Tagged(photo, preview, prediction, time.perf_counter() - start)
        yield first
        for tagger in others:
            _, photo = _look(tagger, opened, photo)
            yield dataclasses.replace(first, photo=photo)

    def describe(self, text: str, describer: str, visitor: str = "") -> Iterator[Categories]:
        """Describe and embed what was typed, yielding what is there after each sentence and each finished category.

        Args:
            text: one or more categories, as typed.
            describer: name of the one to ask.
            visitor: who asks, by the name of `Limits.visitor`; those without share one budget.

        Raises:
            InputError: nothing typed, or something that is no category; the message says what.
            DescriberError: neither the describer nor its fallback has anything to say.
            TextEncoderError: sentences cannot be embedded.
        """
        try:
            so_far = Categories(parse_categories(text))
        except ValueError as error:
            raise InputError(str(error)) from None
        fallback = self._describer(self._fallback)
        try:
            chosen = self._describer(describer)
        except (DescriberError, ValueError) as error:
            said = f"{str(error).rstrip('.')}. The {fallback.name} describer takes over."
            chosen, so_far = fallback, dataclasses.replace(so_far, notices=(said,))
        if isinstance(chosen, Metered):
            chosen = chosen.metered(self.limits.meter(visitor))
        yield so_far
        for tag in so_far.names:
            for part in describe_with_fallback(chosen, fallback, tag):
                if isinstance(part, Notice):
                    so_far = dataclasses.replace(so_far, notices=(*so_far.notices, part.text))
                else:
                    heard = (*so_far.sentences.get(tag, ()), part)
                    so_far = dataclasses.replace(so_far, sentences={**so_far.sentences, tag: heard})
                yield so_far
            so_far = dataclasses.replace(so_far, banks=self._embed(so_far, tag))
            yield so_far

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

    def _describer(self, name: str) -> Describer:
        with self._lock:
            if name not in self._describers:
                self._describers[name] = self._make_describer(name)
            return self._describers[name]

    def _embed(self, categories: Categories, tag: str) -> dict[str, TagEmbeddingBank]:
        sentences = {tag: [sentence.text for sentence in categories.sentences.get(tag, ())]}
        banks = {}
        for tagger in self.taggers:
            bank, held = tagger.embed(sentences), categories.banks.get(tagger.name)
            banks[tagger.name] = bank if held is None else held.join(bank)
        return banks


def _look(tagger: Tagger, picture: Image.Image, before: Photo) -> tuple[ImageFeatures, Photo]:
    """What the tagger sees, where it runs, and the photo with that added."""
    start = time.perf_counter()
    features = tagger.look(picture)
    kept = {**before.features, tagger.name: features.to("cpu")}
    return features, Photo(kept, {**before.seconds, tagger.name: time.perf_counter() - start})


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
    if isinstance(error, (PictureError, InputError, DescriberError, TextEncoderError)):
        return f"{str(error).rstrip('.')}."
    _log.error("unexpected failure behind the page", exc_info=error)
    return UNEXPECTED
