"""Embed the sentences of typed categories for each model; only sentences that are new are encoded."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from demo.core.categories import Categories
from ram.backends import TaggerBackend
from ram.text.bank import TagEmbeddingBank, is_readable


def embed(categories: Categories, taggers: Sequence[TaggerBackend]) -> Categories:
    """Categories with every sentence in use embedded, and a bank for each model.

    A category that some model cannot tell from an earlier one is in no bank.

    Raises:
        TextEncoderError: the sentences cannot be embedded.
    """
    vectors = {encoder: dict(known) for encoder, known in categories.vectors.items()}
    for tagger in taggers:
        known, limit = vectors.setdefault(tagger.config.text_encoder, {}), tagger.config.max_descriptions
        texts = (text for tag in categories.names for text in categories.enabled(tag)[:limit])
        if new := [text for text in dict.fromkeys(texts) if text not in known]:
            new = [text for text in new if is_readable(text, tagger.text_encoder)]
            known.update(zip(new, tagger.text_encoder.encode(new).cpu(), strict=True))
    embedded = replace(categories, vectors=vectors)
    found = banks(embedded, taggers)
    if left_out := equal_tags(found):
        found = banks(embedded, taggers, left_out)
    return replace(embedded, banks=found)


def banks(
    categories: Categories, taggers: Sequence[TaggerBackend], without: Collection[str] = ()
) -> dict[str, TagEmbeddingBank]:
    """The bank of each model that has embedded any category, by its name."""
    found = {t.name: categories.bank(t.config.text_encoder, t.config.max_descriptions, without) for t in taggers}
    return {name: bank for name, bank in found.items() if bank is not None}


def equal_tags(found: Mapping[str, TagEmbeddingBank]) -> dict[str, str]:
    """Categories that some model cannot tell from an earlier one, with that one."""
    return {later: first for bank in found.values() for first, later in bank.equal_tags()}
