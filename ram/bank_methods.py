"""The methods of a tagger that make banks: of new categories, of tag packs, and of vocabularies by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch

from ram.checkpoints.named_vocabularies import named_bank
from ram.describers.by_name import describe_names
from ram.errors import InputError
from ram.models.config import ModelConfig
from ram.models.text_encoder import TextEncoder
from ram.runtime import Progress, cache_folder, quiet
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import TagDescriptions
from ram.text.tag_packs import OWN_FILES, PackLimits, load_pack, save_pack


class BankMethods(ABC):
    """Banks for a tagger's model; :class:`ram.tagger.Tagger` has the rest.

    Attributes:
        config: describes the model.
        bank: predefined tags.
        device, dtype: where and how the network runs.
    """

    config: ModelConfig
    bank: TagEmbeddingBank
    device: torch.device
    dtype: torch.dtype

    @property
    @abstractmethod
    def text_encoder(self) -> TextEncoder:
        """The frozen text encoder, made on first use."""

    def embed(self, descriptions: Mapping[str, Sequence[str]] | TagDescriptions | Iterable[str]) -> TagEmbeddingBank:
        """A bank of new categories from their descriptions; a RAM model keeps the first sentence of each.

        Args:
            descriptions: sentences of each category; or names alone, a list or "corgi, kite", which the lexicon
                describes, as ``ram tag --tags`` does.

        Raises:
            ValueError: a category is without a description, its name is unusable, the text encoder cannot read it, or
                it reads two categories as one.
            TextEncoderError: the text encoder cannot be had.
        """
        if not isinstance(descriptions, Mapping):
            descriptions = describe_names(descriptions)
        elif not isinstance(descriptions, TagDescriptions):
            descriptions = TagDescriptions(descriptions)
        used = descriptions.first(self.config.max_descriptions)
        return TagEmbeddingBank.build(used, self.text_encoder).refuse_equal().to(self.device, self.dtype)

    def save_pack(self, path: str | Path, bank: TagEmbeddingBank) -> None:
        """Write a bank as a tag pack, one file for any model of the same text encoder.

        Raises:
            ValueError: the bank is of another text encoder, or has a tag that is no category.
            TextEncoderError: the text encoder, whose fingerprint belongs into the pack, cannot be had.
        """
        save_pack(path, bank, self.text_encoder)

    def load_pack(self, path: str | Path, limits: PackLimits = OWN_FILES) -> TagEmbeddingBank:
        """The bank of a tag pack; a RAM model keeps the first sentence of each tag. Needs no text encoder.

        Raises:
            PackError: the pack is broken, too large, or for another text encoder.
        """
        bank = load_pack(path, self.config.text_encoder, self.config.dim, limits)
        return self._moved(bank.first(self.config.max_descriptions))

    def load_vocabulary(self, name: str, progress: Progress = quiet) -> TagEmbeddingBank:
        """The bank of a vocabulary by name: "official", the 4,585 tags of RAM and RAM++ with their Chinese names.

        A tag that is predefined here keeps its descriptions and its threshold. The lexicon describes the others; their
        threshold is 0.5. The list is fetched and the tags are embedded on first use, then read from the cache.

        Args:
            name: of the vocabulary.
            progress: called with what is being done, how much of it is done, and how much there is.

        Raises:
            InputError: there is no such vocabulary.
            DownloadError: its list is not here and cannot be fetched.
            TextEncoderError: the text encoder cannot be had, or the model reads no texts.
        """
        most = self.config.max_descriptions
        return self._moved(named_bank(name, self.bank, lambda: self.text_encoder, cache_folder(), most, progress))

    def _check(self, bank: TagEmbeddingBank) -> None:
        if bank.text_encoder != self.config.text_encoder:
            raise InputError(
                f"{self.config.name} was trained on embeddings of {self.config.text_encoder!r}, this bank is of "
                f"{bank.text_encoder!r}: embed it again with this tagger"
            )

    def _moved(self, bank: TagEmbeddingBank) -> TagEmbeddingBank:
        """The bank on the model's device, in its dtype or a smaller one that it is stored in: banks may be large."""
        stored = bank.embedded.embeddings.dtype
        return bank.to(self.device, stored if stored.itemsize < self.dtype.itemsize else self.dtype)
