"""What a visitor typed, in sentences that may be switched off, edited and added to. Knows no model and no describer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from ram.describers.fallback import DescribedSentence, Notice, merge_notices
from ram.errors import InputError
from ram.text.bank import TagEmbeddingBank, pad
from ram.text.descriptions import TagDescriptions, clean_sentence
from ram.text.vocabulary import UNSEEN_THRESHOLD, TagVocabulary

MOST_SENTENCES = 80
"""Sentences of one category that is edited; more than any describer gives."""
BY_VISITOR = "you"
"""Origin of a sentence that a visitor wrote."""


@dataclass(frozen=True)
class Categories:
    """Categories in sentences, as far as those have come.

    Args:
        names: in the order typed.
        sentences: of each category that has begun.
        banks: by model name, the embedded sentences in use of the categories that have any.
        noted: what did not go as asked.
        finished: those that are described to the end.
        off: sentences of a category that are not to be used.
        vectors: by text encoder, every sentence that was ever embedded: (dim,) each.
        thresholds: of categories that have one of their own.
        senses: which meaning was chosen for a category, by its gloss.
    """

    names: tuple[str, ...]
    sentences: Mapping[str, tuple[DescribedSentence, ...]] = field(default_factory=dict)
    banks: Mapping[str, TagEmbeddingBank] = field(default_factory=dict, repr=False)
    noted: tuple[Notice, ...] = ()
    finished: frozenset[str] = frozenset()
    off: Mapping[str, frozenset[str]] = field(default_factory=dict)
    vectors: Mapping[str, Mapping[str, torch.Tensor]] = field(default_factory=dict, repr=False)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    senses: Mapping[str, str] = field(default_factory=dict)

    def __deepcopy__(self, memo: Any) -> Categories:
        return self  # nothing in it ever changes, so that visitors may share it

    @property
    def notices(self) -> tuple[str, ...]:
        """What did not go as asked, in sentences for the visitor."""
        return tuple(notice.text for notice in merge_notices(self.noted))

    @property
    def edited(self) -> bool:
        """Whether a visitor has switched a sentence off, or written one."""
        written = (sentence.origin == BY_VISITOR for told in self.sentences.values() for sentence in told)
        return any(self.off.values()) or any(written)

    def used(self, tag: str) -> tuple[str, ...]:
        """The sentences that count, in order."""
        off = self.off.get(tag, frozenset())
        return tuple(sentence.text for sentence in self.sentences.get(tag, ()) if sentence.text not in off)

    def hear(self, tag: str, *sentences: DescribedSentence) -> Categories:
        """The same with further sentences of a category."""
        return self._with(tag, (*self.sentences.get(tag, ()), *sentences))

    def forget(self, tag: str) -> Categories:
        """The same before anything was said of a category."""
        off = {name: texts for name, texts in self.off.items() if name != tag}
        return replace(self._with(tag, ()), off=off, finished=self.finished - {tag})

    def switch(self, tag: str, place: int) -> Categories:
        """Use a sentence no longer, or again.

        Raises:
            InputError: it is the last one in use.
        """
        text, off = self._at(tag, place).text, self.off.get(tag, frozenset())
        changed = off ^ {text}
        if all(sentence.text in changed for sentence in self.sentences[tag]):
            raise InputError("one sentence has to stay in use: switch another one on first")
        return replace(self, off={**self.off, tag: changed})

    def rewrite(self, tag: str, place: int, text: str) -> Categories:
        """Word a sentence differently.

        Raises:
            InputError: the text says nothing, or is there already.
        """
        before = self._at(tag, place)
        if clean_sentence(text) == before.text:
            return self
        told = list(self.sentences[tag])
        told[place] = self._written(tag, text)
        off = self.off.get(tag, frozenset()) - {before.text}
        return replace(self._with(tag, tuple(told)), off={**self.off, tag: off})

    def add(self, tag: str, text: str) -> Categories:
        """One sentence more.

        Raises:
            InputError: the text says nothing, is there already, or there are too many.
        """
        if len(self.sentences.get(tag, ())) >= MOST_SENTENCES:
            raise InputError(f"{MOST_SENTENCES} sentences are the most that a category may have: edit one instead")
        return self.hear(tag, self._written(tag, text))

    def bank(self, encoder: str, most: int | None) -> TagEmbeddingBank | None:
        """The sentences in use, as far as embedded by this text encoder; at most so many of each category."""
        vectors = self.vectors.get(encoder, {})
        used = {tag: [text for text in self.used(tag)[:most] if text in vectors] for tag in self.names}
        used = {tag: texts for tag, texts in used.items() if texts}
        if not used:
            return None
        rows = [torch.stack([vectors[text] for text in texts]) for texts in used.values()]
        vocabulary = TagVocabulary(tuple(used), tuple(self.thresholds.get(tag, UNSEEN_THRESHOLD) for tag in used))
        return TagEmbeddingBank(vocabulary, TagDescriptions(used), pad(rows, rows[0].shape[1]), encoder)

    def _with(self, tag: str, told: tuple[DescribedSentence, ...]) -> Categories:
        return replace(self, sentences={**self.sentences, tag: told})

    def _at(self, tag: str, place: int) -> DescribedSentence:
        told = self.sentences.get(tag, ())
        if not 0 <= place < len(told):
            raise InputError("this sentence is not there any more: choose the tag again")
        return told[place]

    def _written(self, tag: str, text: str) -> DescribedSentence:
        cleaned = clean_sentence(text)
        if not cleaned:
            raise InputError("a description needs words: write what one sees in the photo")
        if any(cleaned.casefold() == sentence.text.casefold() for sentence in self.sentences.get(tag, ())):
            raise InputError(f'"{cleaned[:60]}" is there already: write another sentence')
        return DescribedSentence(cleaned, BY_VISITOR)
