"""Typed categories with their sentences, which may be switched off, edited and added to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from demo.core.texts import input_error
from ram.describers.fallback import DescribedSentence, Notice, merge_notices
from ram.describers.template import is_template
from ram.errors import InputError
from ram.text.bank import TagEmbeddingBank, pad
from ram.text.cleaning import clean_sentence
from ram.text.descriptions import TagDescriptions
from ram.text.names import unreadable_words
from ram.text.tag_packs import SUFFIX
from ram.text.vocabulary import UNSEEN_THRESHOLD, TagVocabulary

MAX_SENTENCES = 80
"""Sentences of one edited category; more than any describer gives."""
BY_VISITOR = "you"
"""Origin of a sentence that a visitor wrote."""


@dataclass(frozen=True)
class Categories:
    """Categories with the sentences that have been written so far.

    Args:
        names: in the order typed.
        sentences: by category, for those whose description has begun.
        banks: by model name, the embedded sentences in use.
        notices: problems of the describers.
        finished: categories whose description is complete.
        disabled: by category, sentences that are switched off.
        vectors: by text encoder, every sentence that was ever embedded: (dim,) each.
        thresholds: of categories with a threshold of their own.
        senses: which meaning was chosen for a category, by its gloss.
        originals: by category, its sentences before the visitor's first edit.
    """

    names: tuple[str, ...]
    sentences: Mapping[str, tuple[DescribedSentence, ...]] = field(default_factory=dict)
    banks: Mapping[str, TagEmbeddingBank] = field(default_factory=dict, repr=False)
    notices: tuple[Notice, ...] = ()
    finished: frozenset[str] = frozenset()
    disabled: Mapping[str, frozenset[str]] = field(default_factory=dict)
    vectors: Mapping[str, Mapping[str, torch.Tensor]] = field(default_factory=dict, repr=False)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    senses: Mapping[str, str] = field(default_factory=dict)
    originals: Mapping[str, tuple[DescribedSentence, ...]] = field(default_factory=dict)

    def __deepcopy__(self, memo: Any) -> Categories:
        return self  # immutable, so that visitors may share it

    @property
    def messages(self) -> tuple[str, ...]:
        """The notices as sentences for the visitor, those of one kind together."""
        return tuple(notice.text for notice in merge_notices(self.notices))

    @property
    def edited(self) -> bool:
        """Whether a visitor has switched a sentence off or written one."""
        return any(map(self.is_edited, self.sentences))

    @property
    def packed(self) -> bool:
        """Whether a category comes from a tag pack."""
        return any(one.origin.endswith(SUFFIX) for sentences in self.sentences.values() for one in sentences)

    def is_edited(self, tag: str) -> bool:
        """Whether a visitor has switched a sentence of this category off or written one."""
        written = any(sentence.origin == BY_VISITOR for sentence in self.sentences.get(tag, ()))
        return written or bool(self.disabled.get(tag))

    def enabled(self, tag: str) -> tuple[str, ...]:
        """Texts of the sentences in use, in order."""
        disabled = self.disabled.get(tag, frozenset())
        return tuple(one.text for one in self.sentences.get(tag, ()) if one.text not in disabled)

    def by_name(self, tag: str) -> tuple[str, ...]:
        """Texts of the sentences that only put the name into a template, in use or not.

        Sentences that a visitor wrote are none of them; nothing where a category has no other sentence.
        """
        sentences = self.sentences.get(tag, ())
        found = tuple(one.text for one in sentences if one.origin != BY_VISITOR and is_template(one.text, tag))
        return found if len(found) < len(sentences) else ()

    def extend(self, tag: str, *sentences: DescribedSentence) -> Categories:
        """Append sentences to a category."""
        return self._with(tag, (*self.sentences.get(tag, ()), *sentences))

    def clear(self, tag: str) -> Categories:
        """Remove all sentences of a category."""
        return replace(self._restored(tag, ()), finished=self.finished - {tag})

    def reset(self, tag: str) -> Categories:
        """Undo all edits of a category."""
        return self._restored(tag, self.originals[tag]) if tag in self.originals else self

    def adopt(self, tag: str, other: Categories) -> Categories:
        """A category with the sentences, edits and meaning that it has in ``other``, finished."""
        mine, vectors = self.clear(tag), {encoder: dict(known) for encoder, known in self.vectors.items()}
        for encoder, known in other.vectors.items():
            texts = (one.text for one in other.sentences[tag])
            vectors.setdefault(encoder, {}).update({text: known[text] for text in texts if text in known})
        senses = {name: gloss for name, gloss in self.senses.items() if name != tag}
        return replace(
            mine._with(tag, other.sentences[tag]),
            finished=self.finished | {tag}, vectors=vectors,
            disabled={**mine.disabled, **_of(other.disabled, tag)},
            originals={**mine.originals, **_of(other.originals, tag)},
            senses={**senses, **_of(other.senses, tag)},
        )  # fmt: skip

    def remove(self, tag: str) -> Categories:
        """Remove a category."""
        return replace(self.clear(tag), names=tuple(name for name in self.names if name != tag))

    def switch(self, tag: str, index: int) -> Categories:
        """Switch a sentence off, or on again.

        Raises:
            InputError: no such sentence, or it is the last one in use.
        """
        disabled = self.disabled.get(tag, frozenset()) ^ {self._sentence(tag, index).text}
        if all(sentence.text in disabled for sentence in self.sentences[tag]):
            raise input_error("last_in_use")
        return replace(self._before_edit(tag), disabled={**self.disabled, tag: disabled})

    def rewrite(self, tag: str, index: int, text: str) -> Categories:
        """Replace a sentence by another one.

        Raises:
            InputError: no such sentence, or the text is empty or a repetition.
        """
        before = self._sentence(tag, index)
        if clean_sentence(text) == before.text:
            return self
        sentences = list(self.sentences[tag])
        sentences[index] = self._written(tag, text)
        disabled = self.disabled.get(tag, frozenset()) - {before.text}
        changed = self._before_edit(tag)._with(tag, tuple(sentences))
        return replace(changed, disabled={**self.disabled, tag: disabled})

    def add(self, tag: str, text: str) -> Categories:
        """Append a sentence that the visitor wrote.

        Raises:
            InputError: the text is empty or a repetition, or there are too many sentences.
        """
        if len(self.sentences.get(tag, ())) >= MAX_SENTENCES:
            raise input_error("too_many_sentences", most=MAX_SENTENCES)
        return self._before_edit(tag).extend(tag, self._written(tag, text))

    def unscored(self) -> InputError:
        """The error where a model can score none of the categories: what the notices say."""
        return InputError(" ".join(self.messages))

    def bank(self, encoder: str, limit: int | None, without: Collection[str] = ()) -> TagEmbeddingBank | None:
        """The sentences in use that this text encoder has embedded, at most ``limit`` for each category.

        Args:
            encoder: name of the text encoder.
            limit: most sentences of a category.
            without: categories to leave out.
        """
        vectors = self.vectors.get(encoder, {})
        names = (tag for tag in self.names if tag not in without)
        used = {tag: [text for text in self.enabled(tag)[:limit] if text in vectors] for tag in names}
        used = {tag: texts for tag, texts in used.items() if texts}
        if not used:
            return None
        rows = [torch.stack([vectors[text] for text in texts]) for texts in used.values()]
        vocabulary = TagVocabulary(tuple(used), tuple(self.thresholds.get(tag, UNSEEN_THRESHOLD) for tag in used))
        return TagEmbeddingBank(vocabulary, TagDescriptions(used), pad(rows, rows[0].shape[1]), encoder)

    def _with(self, tag: str, sentences: tuple[DescribedSentence, ...]) -> Categories:
        return replace(self, sentences={**self.sentences, tag: sentences})

    def _before_edit(self, tag: str) -> Categories:
        """Remember the sentences as they are, unless they are remembered from before an earlier edit."""
        return replace(self, originals={tag: self.sentences.get(tag, ()), **self.originals})

    def _restored(self, tag: str, sentences: tuple[DescribedSentence, ...]) -> Categories:
        """A category with these sentences, all in use, and no edits."""
        disabled = {name: texts for name, texts in self.disabled.items() if name != tag}
        originals = {name: before for name, before in self.originals.items() if name != tag}
        return replace(self._with(tag, sentences), disabled=disabled, originals=originals)

    def _sentence(self, tag: str, index: int) -> DescribedSentence:
        sentences = self.sentences.get(tag, ())
        if not 0 <= index < len(sentences):
            raise input_error("sentence_gone")
        return sentences[index]

    def _written(self, tag: str, text: str) -> DescribedSentence:
        cleaned = clean_sentence(text)
        if not cleaned:
            raise input_error("needs_words")
        if words := unreadable_words(cleaned):
            raise input_error("unreadable_word", word=words[0][:60])
        if any(cleaned.casefold() == sentence.text.casefold() for sentence in self.sentences.get(tag, ())):
            raise input_error("listed_already", text=cleaned[:60])
        return DescribedSentence(cleaned, BY_VISITOR)


def _of(mapping: Mapping[str, Any], tag: str) -> dict[str, Any]:
    """The entry of a tag alone, or nothing."""
    return {tag: mapping[tag]} if tag in mapping else {}
