"""Banks for a benchmark: tags found in a vocabulary whatever their case, described anew, or averaged."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ram.models.description_embeddings import DescriptionEmbeddings
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import TagDescriptions
from ram.text.vocabulary import UNSEEN_THRESHOLD


def names_in(known: Sequence[str], tags: Sequence[str]) -> list[str | None]:
    """What each tag is called among the known ones, whatever its case; None where it is not there."""
    exact, folded = set(known), {tag.casefold(): tag for tag in reversed(known)}
    return [tag if tag in exact else folded.get(tag.casefold()) for tag in tags]


def bank_for(tagger: Tagger, tags: Sequence[str], descriptions: TagDescriptions | None = None) -> TagEmbeddingBank:
    """A bank that holds all of these tags: the tagger's own entries, and what is described here.

    Args:
        tagger: whose vocabulary and text encoder to use.
        tags: of a benchmark; case does not count, and some may come twice.
        descriptions: of tags outside the vocabulary. A tag that is in both is scored by these sentences, at the
            threshold it has in the vocabulary.

    Raises:
        ValueError: a tag is neither in the vocabulary nor described.
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
            raise ValueError(f'"{tag}" is neither in the vocabulary of {tagger.name} nor described: describe it first')
    bank = tagger.bank.select(tuple(kept))
    if not new:
        return bank
    thresholds = [own.thresholds[own.id(tag)] if tag in own else UNSEEN_THRESHOLD for tag in new]
    embedded = tagger.embed(TagDescriptions(new, described.origin)).with_thresholds(thresholds)
    return bank.join(embedded) if kept else embedded


def mean_bank(bank: TagEmbeddingBank) -> TagEmbeddingBank:
    """The same tags, each with the plain mean of its embeddings: an ensemble without re-weighting (RAM++, Table 5).

    A softmax over one item is 1, so the mean, whose length stays below 1, reaches the decoder as it is: as
    re-weighting with equal weights would give it.
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
