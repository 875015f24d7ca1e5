"""Embedding bank: tags, their descriptions, and the text embeddings of these descriptions."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ram.errors import InputError
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.text_encoder import TextEncoder
from ram.runtime import Progress, atomic_write
from ram.text.descriptions import TagDescriptions
from ram.text.names import unreadable_words
from ram.text.vocabulary import TagVocabulary

_log = logging.getLogger(__name__)

CHUNK = 1024
"""Sentences embedded between two calls of the progress callback."""

MAX_NAMED = 5
"""Tags that an error message names."""

_FILES = ("vocabulary.csv", "descriptions.json", "bank.safetensors")


@dataclass(frozen=True, eq=False)
class TagEmbeddingBank:
    """Tags with their descriptions and embeddings; tags may have different numbers of descriptions.

    Args:
        vocabulary: the tags, in order.
        descriptions: sentences of each tag, in the same order.
        embedded: (tags, largest number of descriptions, dim) unit vectors and the mask of those that exist.
        text_encoder: name of the encoder that made the embeddings; banks of different encoders cannot be joined.

    Raises:
        InputError: the parts do not fit together.
    """

    vocabulary: TagVocabulary
    descriptions: TagDescriptions
    embedded: DescriptionEmbeddings = field(repr=False)
    text_encoder: str

    def __post_init__(self) -> None:
        tags = len(self.embedded.embeddings)
        if tags != len(self.vocabulary):
            raise InputError(
                f"vocabulary has {len(self.vocabulary)} tags but the bank holds {tags}: build the bank again"
            )
        if self.descriptions.tags != self.vocabulary.tags:
            raise InputError("descriptions and vocabulary must name the same tags in the same order")
        counts = torch.tensor([len(s) for s in self.sentences])
        if tags and int(counts.min()) == 0:
            empty = self.vocabulary.tags[int(counts.argmin())]
            raise InputError(f"tag {empty!r} has no description: give it at least one")
        embedded = self.mask.sum(1).cpu()
        if not torch.equal(embedded, counts):
            wrong = int((embedded != counts).nonzero()[0])
            raise InputError(
                f"tag {self.vocabulary.tags[wrong]!r} has {int(counts[wrong])} descriptions "
                f"but the bank holds {int(embedded[wrong])}: build the bank again"
            )

    @classmethod
    def build(
        cls,
        descriptions: TagDescriptions,
        text_encoder: TextEncoder,
        vocabulary: TagVocabulary | None = None,
        progress: Progress | None = None,
    ) -> TagEmbeddingBank:
        """Embed every sentence; without a vocabulary, tags get the threshold of unseen tags.

        Raises:
            InputError: the text encoder cannot read any sentence of a tag.
        """
        refuse_unreadable(descriptions, text_encoder)
        sentences = [sentence for tag in descriptions.tags for sentence in descriptions[tag]]
        parts = []
        for start in range(0, max(len(sentences), 1), CHUNK):
            if progress is not None:
                progress("embedding sentences", start, len(sentences))
            parts.append(text_encoder.encode(sentences[start : start + CHUNK]))
        return cls.of_sentences(descriptions, torch.cat(parts), text_encoder, vocabulary)

    @classmethod
    def of_sentences(
        cls,
        descriptions: TagDescriptions,
        embeddings: torch.Tensor,
        text_encoder: TextEncoder,
        vocabulary: TagVocabulary | None = None,
    ) -> TagEmbeddingBank:
        """Make a bank of (sentences, dim) embeddings, in the order of the descriptions; see :meth:`build`."""
        counts = [len(descriptions[tag]) for tag in descriptions.tags]
        embedded = pad(embeddings.split(counts), text_encoder.dim)
        if vocabulary is None:
            vocabulary = TagVocabulary.of(descriptions.tags)
        return cls(vocabulary, descriptions, embedded, text_encoder.name)

    def __len__(self) -> int:
        return len(self.vocabulary)

    @property
    def sentences(self) -> list[tuple[str, ...]]:
        """Descriptions of each tag, in order."""
        return [self.descriptions[tag] for tag in self.vocabulary.tags]

    @property
    def mask(self) -> torch.Tensor:
        """(tags, descriptions) True where a description exists."""
        if self.embedded.mask is not None:
            return self.embedded.mask
        embeddings = self.embedded.embeddings
        return torch.ones(embeddings.shape[:2], dtype=torch.bool, device=embeddings.device)

    def equal_tags(self) -> list[tuple[str, str]]:
        """Tags with equal embeddings, each after the first one of them: no model can tell them apart."""
        return [(self.vocabulary.tags[a], self.vocabulary.tags[b]) for a, b in self.embedded.equal_pairs()]

    def refuse_equal(self) -> TagEmbeddingBank:
        """This bank; ``InputError`` where two of its tags have equal embeddings, which would be one finding twice."""
        if pairs := self.equal_tags():
            more = " ..." if len(pairs) > MAX_NAMED else ""
            named = ", ".join(f'"{later}" as "{earlier}"' for earlier, later in pairs[:MAX_NAMED])
            raise InputError(
                f"the text encoder reads {named}{more}: they would be one finding under two names; leave one out, or "
                "describe them differently"
            )
        return self

    def select(self, tags: Sequence[str]) -> TagEmbeddingBank:
        """These tags only, in the order given; InputError where one is not in the bank."""
        rows = torch.tensor([self.vocabulary.id(tag) for tag in tags], dtype=torch.long)
        return TagEmbeddingBank(
            self.vocabulary.select(tags),
            self.descriptions.select(tags),
            self.embedded.rows(rows.to(self.embedded.embeddings.device)),
            self.text_encoder,
        )

    def join(self, other: TagEmbeddingBank) -> TagEmbeddingBank:
        """These tags followed by the other's; numbers of descriptions may differ.

        Raises:
            InputError: a tag is in both banks, or they come from different text encoders.
        """
        if self.text_encoder != other.text_encoder:
            raise InputError(
                f"a bank of {self.text_encoder!r} cannot be joined to one of {other.text_encoder!r}: "
                "describe and embed the tags again with the model's own text encoder"
            )
        mine, theirs = self.embedded.embeddings, other.embedded.embeddings
        dtype = torch.promote_types(mine.dtype, theirs.dtype)
        mine, theirs = mine.to(dtype), theirs.to(mine.device, dtype)
        rows = [row[keep] for row, keep in zip(mine, self.mask, strict=True)]
        rows += [row[keep] for row, keep in zip(theirs, other.mask.to(mine.device), strict=True)]
        return TagEmbeddingBank(
            self.vocabulary.join(other.vocabulary),
            self.descriptions.join(other.descriptions),
            pad(rows, mine.shape[2]),
            self.text_encoder,
        )

    def override(self, other: TagEmbeddingBank) -> TagEmbeddingBank:
        """Join the banks; of a tag that is in both (case does not count) the other's replaces this one's.

        Raises:
            InputError: the banks come from different text encoders.
        """
        theirs = {tag.casefold() for tag in other.vocabulary.tags}
        remaining = [tag for tag in self.vocabulary.tags if tag.casefold() not in theirs]
        return (self if len(remaining) == len(self) else self.select(remaining)).join(other)

    def first(self, limit: int | None) -> TagEmbeddingBank:
        """At most ``limit`` descriptions of each tag, from the start; all of them where None."""
        if limit is None or limit >= self.embedded.embeddings.shape[1]:
            return self
        embeddings, mask = self.embedded.embeddings[:, :limit], self.mask[:, :limit]
        embedded = DescriptionEmbeddings(embeddings, None if bool(mask.all()) else mask)
        return replace(self, descriptions=self.descriptions.first(limit), embedded=embedded)

    def with_thresholds(self, thresholds: Sequence[float]) -> TagEmbeddingBank:
        """Copy the bank with other thresholds."""
        return replace(self, vocabulary=self.vocabulary.with_thresholds(thresholds))

    def to(self, device: torch.device | str, dtype: torch.dtype) -> TagEmbeddingBank:
        """Copy the bank to a device and dtype; itself where nothing changes."""
        embedded = self.embedded.to(device, dtype)
        if embedded.embeddings is self.embedded.embeddings:
            return self
        return replace(self, embedded=embedded)

    def save(self, folder: Path) -> None:
        """Write vocabulary.csv, descriptions.json and bank.safetensors (in the bank's dtype), each atomically."""
        self.vocabulary.save(folder / _FILES[0])
        self.descriptions.save(folder / _FILES[1])
        embeddings, mask = self.embedded.embeddings, self.embedded.mask
        flat = (embeddings.flatten(0, 1) if mask is None else embeddings[mask]).cpu().contiguous()
        with atomic_write(folder / _FILES[2]) as partial:
            save_file({"embeddings": flat}, partial, metadata={"text_encoder": self.text_encoder})

    @classmethod
    def load(cls, folder: Path, text_encoder: str) -> TagEmbeddingBank:
        """Read what :meth:`save` wrote.

        Raises:
            InputError: a file is missing, damaged, or does not fit the others or the text encoder.
        """
        for name in _FILES:
            if not (folder / name).is_file():
                raise InputError(f"model folder {folder.name!r} lacks {name}: copy or convert it again")
        vocabulary = TagVocabulary.load(folder / _FILES[0])
        descriptions = TagDescriptions.load(folder / _FILES[1])
        try:
            with safe_open(folder / _FILES[2], "pt") as file:
                flat = file.get_tensor("embeddings").clone()  # copied out of the memory-mapped file
                made_by = (file.metadata() or {}).get("text_encoder", text_encoder)
        except (SafetensorError, OSError) as error:
            raise InputError(
                f"{_FILES[2]} of {folder.name!r} cannot be read ({error}): copy or convert it again"
            ) from None
        if made_by != text_encoder:
            raise InputError(
                f"the bank of {folder.name!r} was made by {made_by!r} but its model needs {text_encoder!r}: "
                "embed the descriptions again"
            )
        counts = [len(descriptions[tag]) for tag in descriptions.tags]
        if flat.ndim != 2 or sum(counts) != len(flat):
            raise InputError(
                f"descriptions.json has {sum(counts)} sentences but the bank of {folder.name!r} holds "
                f"{tuple(flat.shape)}: get the model again"
            )
        if len(set(counts)) == 1:  # a view, so that the bank of a large model is in memory once
            embedded = DescriptionEmbeddings(flat.unflatten(0, (len(counts), counts[0])))
        else:
            embedded = pad(flat.split(counts), flat.shape[1])
        return cls(vocabulary, descriptions, embedded, text_encoder)


def is_readable(sentence: str, text_encoder: TextEncoder) -> bool:
    """Whether a text encoder has learnt the script and the tokens of a sentence."""
    return not unreadable_words(sentence) and not text_encoder.unknown_words(sentence)


def warn_of_unreadable(sentences: Sequence[str], kind: str, text_encoder: TextEncoder) -> None:
    """Log how many sentences have a word that a text encoder cannot read, and the first such word."""
    unreadable = [one for one in sentences if not is_readable(one, text_encoder)]
    if unreadable:
        word = (*unreadable_words(unreadable[0]), *text_encoder.unknown_words(unreadable[0]))[0]
        _log.warning(
            '%d of %d %s have words that the text encoder cannot read, such as "%s": translate them into English',
            len(unreadable), len(sentences), kind, word,
        )  # fmt: skip


def refuse_unreadable(descriptions: TagDescriptions, text_encoder: TextEncoder) -> None:
    """Raise ``InputError`` where a text encoder cannot read any sentence of a tag."""
    unreadable = [
        tag for tag in descriptions.tags if not any(is_readable(one, text_encoder) for one in descriptions[tag])
    ]
    if unreadable:
        more = " ..." if len(unreadable) > MAX_NAMED else ""
        names = ", ".join(f'"{tag}"' for tag in unreadable[:MAX_NAMED]) + more
        raise InputError(f"the text encoder cannot read {names}: name and describe tags in English")


def pad(rows: Sequence[torch.Tensor], dim: int) -> DescriptionEmbeddings:
    """Stack ragged rows (descriptions, dim) to (tags, most descriptions, dim), with a mask only where counts differ."""
    if not rows:
        return DescriptionEmbeddings(torch.empty(0, 1, dim))
    counts = torch.tensor([len(row) for row in rows], device=rows[0].device)
    embeddings = torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True)
    if bool((counts == counts[0]).all()):
        return DescriptionEmbeddings(embeddings)
    mask = torch.arange(embeddings.shape[1], device=counts.device) < counts[:, None]
    return DescriptionEmbeddings(embeddings, mask)
