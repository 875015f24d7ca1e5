"""Actions of the page's controls: tag a photo, describe categories, score and explain them.

Each model looks at a photo once, and each category is described and embedded once. Scoring them is cheap, so that a new
photo or a new category repeats only its own work.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from PIL import Image

from demo.core.categories import Categories
from demo.core.embedding import banks, embed, equal_tags
from demo.core.messages import keep_for_host
from demo.core.photo_cache import PhotoCache
from demo.core.photos import Photo, Scores, Tagged
from demo.core.texts import input_error
from demo.server.limits import Limits
from ram.backends import Captioner, Explainer, TaggerBackend
from ram.describers.base import Describer, Sense
from ram.describers.fallback import DescribedSentence, Notice, describe_with_fallback
from ram.describers.lexicon.describer import LexiconDescriber
from ram.describers.lexicon.synsets import Lexicon
from ram.errors import RamError
from ram.prediction import Explanation, TagScore
from ram.text.names import matching_key, parse_categories

PREDEFINED = "the model's own list"
"""Origin of the sentences of predefined tags."""

_log = logging.getLogger(__name__)


class Workbench:
    """The taggers and describers behind the page; keeps nothing of any visitor and is thread-safe.

    Args:
        taggers: the one that tags photos first, then those it is compared with.
        make_describer: makes a describer from its name.
        fallback: name of the describer that takes over when the chosen one fails.
        limits: of what language models may cost; the default ones where None.
        captioner: looks at each photo after the taggers, for its caption; none where None.

    Raises:
        ValueError: no tagger, or two of the same name.
    """

    def __init__(
        self,
        taggers: Sequence[TaggerBackend],
        make_describer: Callable[[str], Describer],
        fallback: str = "lexicon",
        limits: Limits | None = None,
        captioner: Captioner | None = None,
    ) -> None:
        if not taggers:
            raise ValueError("the page needs at least one model")
        names = [tagger.name for tagger in taggers]
        if repeated := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two of the models are called {repeated.pop()!r}: give models of different names")
        self.taggers = tuple(taggers)
        self.captioner = captioner
        self.limits = limits or Limits()
        self._make_describer = make_describer
        self._fallback = fallback
        self._describers: dict[str, Describer] = {}
        self._lock = threading.Lock()
        self._photos = PhotoCache()

    @property
    def labels(self) -> dict[str, str]:
        """Label of each model by name: its kind (RAM, RAM++ or CLIP), or its name where two are of one kind."""
        kinds = {tagger.name: tagger.kind for tagger in self.taggers}
        return {name: kind if list(kinds.values()).count(kind) == 1 else name for name, kind in kinds.items()}

    @property
    def judge(self) -> TaggerBackend | None:
        """Which tagger chooses among several captions: the main one; None where it writes them itself."""
        main = self.taggers[0]
        return None if self.captioner is None or self.captioner.name == main.name else main

    def tag(self, image: str | Path) -> Iterator[Tagged]:
        """Look at a photo with one model after the other; the tags are there after the first.

        Raises:
            ImageError: the photo cannot be used.
        """
        return self._photos.look(self.taggers, image, self.captioner)

    def describe(
        self,
        text: str,
        describer: str,
        visitor: str = "",
        senses: Mapping[str, str] | None = None,
        edited: Mapping[str, Categories] | None = None,
    ) -> Iterator[Categories]:
        """Describe and embed typed categories; yield the state after each sentence and each finished category.

        A name of a predefined tag in another spelling, or its translation, becomes that tag's name. The tag's threshold
        of the main model holds for it.

        Args:
            text: one or more categories, as typed.
            describer: name of the describer.
            visitor: who asks, for the limits; those without a name share one budget.
            senses: which meaning some of the categories have, by its gloss.
            edited: categories that the visitor has edited before, by name; they are not described again.

        Raises:
            InputError: nothing typed, or something that is not a category.
            DescriberError: neither the describer nor its fallback has any sentence.
            TextEncoderError: the sentences cannot be embedded.
        """
        known = self.taggers[0].bank.vocabulary
        typed = {name: known.find(name) or name for name in parse_categories(text)}
        chosen, fallback, notices = self._choose(describer, visitor)
        for name, tag in typed.items():
            if matching_key(name) != matching_key(tag):  # a translation
                notices = (*notices, Notice("The predefined tag for ", (name,), f' is "{tag}".'))
        senses = {typed.get(name, name): gloss for name, gloss in (senses or {}).items()}
        names = tuple(dict.fromkeys(typed.values()))
        thresholds = {tag: known.thresholds[known.id(tag)] for tag in names if tag in known}
        categories = Categories(names, notices=notices, senses=senses, thresholds=thresholds)
        yield categories
        for tag in categories.names:
            if edited and tag in edited:
                categories = self.embed(categories.adopt(tag, edited[tag]))
                yield categories
            else:
                categories = yield from self._describe(categories, tag, chosen, fallback)

    @property
    def lexicon(self) -> Lexicon | None:
        """Words of the describer that takes over; None where it has no lexicon."""
        describer = self._describer(self._fallback)
        return describer.lexicon if isinstance(describer, LexiconDescriber) else None

    def meanings(self, tag: str) -> Sequence[Sense]:
        """The meanings of an ambiguous category; empty for others."""
        return self._describer(self._fallback).senses(tag)

    def choose_meaning(
        self, categories: Categories, tag: str, gloss: str, describer: str, visitor: str = ""
    ) -> Iterator[Categories]:
        """Describe one category again in the meaning with this gloss, or in any where it is empty.

        Raises:
            InputError: no such category or meaning.
            DescriberError: neither the describer nor its fallback has any sentence.
            TextEncoderError: the sentences cannot be embedded.
        """
        if tag not in categories.names or (gloss and gloss not in {meaning.gloss for meaning in self.meanings(tag)}):
            raise input_error("meaning_unknown")
        chosen, fallback, notices = self._choose(describer, visitor)
        senses = {**categories.senses, tag: gloss}
        cleared = dataclasses.replace(categories.clear(tag), senses=senses, notices=notices)
        yield from self._describe(self.embed(cleared), tag, chosen, fallback)

    def open_tag(self, tag: str) -> Categories:
        """A predefined tag of the main model as a category whose sentences can be edited.

        Raises:
            ValueError: the model has no such tag.
        """
        main = self.taggers[0]
        bank = main.bank.select([tag])
        sentences = tuple(DescribedSentence(text, PREDEFINED) for text in bank.descriptions[tag])
        rows = bank.embedded.embeddings[0].cpu()
        vectors = {sentence.text: row for sentence, row in zip(sentences, rows, strict=False)}
        opened = Categories(
            (tag,), {tag: sentences}, finished=frozenset([tag]), vectors={bank.text_encoder: vectors},
            thresholds={tag: bank.vocabulary.thresholds[0]},
        )  # fmt: skip
        return self.embed(opened, self.taggers[:1])

    def embed(self, categories: Categories, taggers: Sequence[TaggerBackend] | None = None) -> Categories:
        """Categories with every sentence in use embedded; only new sentences are encoded.

        Args:
            categories: as described so far.
            taggers: those that will score them; all where None.

        Raises:
            TextEncoderError: the sentences cannot be embedded.
        """
        return embed(categories, self.taggers if taggers is None else taggers)

    def explain(self, photo: Photo | None, categories: Categories, tag: str) -> Explanation | None:
        """The main model's explanation of a category's score; None without a photo or a sentence."""
        main = self.taggers[0]
        bank = categories.banks.get(main.name)
        if photo is None or main.name not in photo.features or bank is None or tag not in bank.vocabulary:
            return None
        if not isinstance(main, Explainer):
            return None
        return main.explain(photo.features[main.name].to(main.device), bank, tag)

    def probability_without(
        self, photo: Photo | None, categories: Categories, tag: str, texts: Collection[str]
    ) -> float | None:
        """The main model's probability with several sentences of a category left out together.

        None without a photo, and where none of them is in use or no other one is.
        """
        main = self.taggers[0]
        bank = categories.banks.get(main.name)
        if photo is None or main.name not in photo.features or bank is None or tag not in bank.vocabulary:
            return None
        used = set(bank.descriptions[tag])
        rest = tuple(one for one in categories.sentences[tag] if one.text in used.difference(texts))
        if not rest or used.isdisjoint(texts):
            return None
        smaller = dataclasses.replace(categories, names=(tag,), sentences={tag: rest}).bank(bank.text_encoder, None)
        assert smaller is not None
        return main.score(photo.features[main.name].to(main.device), smaller)[tag].probability

    def score(self, photo: Photo | None, categories: Categories | None) -> Scores:
        """Predictions over the categories of every model that has looked at the photo; runs no image encoder."""
        if photo is None or categories is None:
            return {}
        return {
            tagger.name: tagger.score(photo.features[tagger.name].to(tagger.device), categories.banks[tagger.name])
            for tagger in self.taggers
            if tagger.name in photo.features and tagger.name in categories.banks
        }

    def scored_twice(self, scores: Scores) -> dict[str, TagScore]:
        """Scores of typed categories that are predefined tags of the main model, but with other sentences, by tag."""
        own, typed = self.taggers[0].bank, scores.get(self.taggers[0].name)
        if typed is None:
            return {}
        return {
            tag: typed[tag]
            for tag, sentences in zip(typed.vocabulary.tags, typed.sentences, strict=True)
            if tag in own.vocabulary and tuple(sentences) != tuple(own.descriptions[tag])
        }

    def warm_up(self) -> None:
        """Load what the first photo and the first category need, and run it once; a failure is only logged."""
        steps: list[Callable[[], object]] = [partial(self._describer, self._fallback)]
        for tagger in self.taggers:
            steps += [partial(tagger.tag, Image.new("RGB", (8, 8))), partial(tagger.embed, {"dog": ["a dog."]})]
        for step in steps:
            try:
                step()
            except RamError as error:
                _log.warning("%s", error)

    def _choose(self, describer: str, visitor: str) -> tuple[Describer, Describer, tuple[Notice, ...]]:
        """The chosen describer, metered for the visitor, the fallback, and notices about the choice."""
        fallback = self._describer(self._fallback)
        try:
            chosen = self._describer(describer)
        except RamError as error:
            keep_for_host(str(error))
            notice = Notice(f"{str(error).rstrip('.')}. The {fallback.name} describer takes over.")
            return fallback, fallback, (notice,)
        return chosen.with_meter(self.limits.meter(visitor)), fallback, ()

    def _describer(self, name: str) -> Describer:
        with self._lock:
            if name not in self._describers:
                self._describers[name] = self._make_describer(name)
            return self._describers[name]

    def _describe(
        self, categories: Categories, tag: str, chosen: Describer, fallback: Describer
    ) -> Generator[Categories, None, Categories]:
        """Describe one category in its meaning, yielding the state after each sentence, embedded."""
        if gloss := categories.senses.get(tag):
            chosen, fallback = chosen.with_sense(gloss), fallback.with_sense(gloss)
        for part in describe_with_fallback(chosen, fallback, tag):
            if isinstance(part, Notice):
                keep_for_host(Notice(part.before, ("…",), part.after).text)
                categories = dataclasses.replace(categories, notices=(*categories.notices, part))
            else:
                categories = self.embed(categories.extend(tag, part))
            yield categories
        notices = categories.notices
        if same := equal_tags(banks(categories, self.taggers)).get(tag):
            notices = (*notices, Notice("The text encoder reads ", (tag,), f' as "{same}": only "{same}" is scored.'))
        elif categories.enabled(tag) and not any(tag in bank.vocabulary for bank in categories.banks.values()):
            notices = (*notices, Notice("The text encoder cannot read ", (tag,), ": describe it in English."))
        categories = dataclasses.replace(categories, notices=notices, finished=categories.finished | {tag})
        yield categories
        return categories


def throttle(
    states: Iterable[Categories], seconds: float = 0.05, clock: Callable[[], float] = time.monotonic
) -> Iterator[Categories]:
    """Skip states that follow too soon on the last one yielded, except where a category has been finished."""
    shown_at, finished = -seconds, 0
    for state in states:
        now = clock()
        if now - shown_at >= seconds or len(state.finished) > finished:
            shown_at, finished = now, len(state.finished)
            yield state
