"""Banks for a benchmark: tags found in a vocabulary regardless of case, described, or averaged."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ram.errors import InputError
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import TagDescriptions
from ram.text.vocabulary import UNSEEN_THRESHOLD


def names_in(known: Sequence[str], tags: Sequence[str]) -> list[str | None]:
    """Return the known name of each tag regardless of case; None where it is unknown."""
    exact, folded = set(known), {tag.casefold(): tag for tag in reversed(known)}
    return [tag if tag in exact else folded.get(tag.casefold()) for tag in tags]


def bank_for(tagger: Tagger, tags: Sequence[str], descriptions: TagDescriptions | None = None) -> TagEmbeddingBank:
    """Build a bank of tags from the tagger's own entries and from descriptions.

    Args:
        tagger: gives the vocabulary and the text encoder.
        tags: tags of a benchmark; case is ignored, and a tag may occur twice.
        descriptions: sentences for tags outside the vocabulary. A tag in both is scored by these sentences, with its
            threshold in the vocabulary.

    Raises:
        InputError: a tag is neither in the vocabulary nor described.
    """
    described = TagDescriptions({}) if descriptions is None else descriptions
    own = tagger.bank.vocabulary
    kept: dict[str, None] = {}
    new: dict[str, tuple[str, ...]] = {}
    for tag, name, given in zip(tags, names_in(own.tags, tags), names_in(described.tags, tags), strict=True):
        if given is not None:
            new[name or given] = described[given]
        elif name is not None:
            kept[name] = None
        else:
            raise InputError(f'"{tag}" is neither in the vocabulary of {tagger.name} nor described: describe it first')
    bank = tagger.bank.select(tuple(kept))
    if not new:
        return bank
    thresholds = [own.thresholds[own.id(tag)] if tag in own else UNSEEN_THRESHOLD for tag in new]
    embedded = tagger.embed(TagDescriptions(new, described.origin)).with_thresholds(thresholds)
    return bank.join(embedded) if kept else embedded


def mean_bank(bank: TagEmbeddingBank) -> TagEmbeddingBank:
    """Replace each tag's embeddings by their mean: an ensemble without re-weighting (RAM++, Table 5).

    A softmax over one item is 1, so that the mean, of a length below 1, reaches the decoder as re-weighting with equal
    weights would give it.
    """
    device = bank.embedded.embeddings.device
    mean = bank.embedded.to(device, torch.float32).mean()[:, None]
    sentences = {
        tag: (texts[0] if len(texts) == 1 else f"the mean of {len(texts)} descriptions of {tag}",)
        for tag, texts in bank.descriptions.items()
    }
    return TagEmbeddingBank(
        bank.vocabulary,
        TagDescriptions(sentences, bank.descriptions.origin),
        DescriptionEmbeddings(mean),
        bank.text_encoder,
    )
