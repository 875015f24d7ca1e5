"""Learned tags in training: the rows of the bank are parameters of the model, and its bank in the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from ram.models.config import LEARNED, learned_width
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.ram import TaggingModel
from ram.models.tag2text import LearnedQueries
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import TagDescriptions
from ram.text.vocabulary import TagVocabulary
from ram.training.data.caption_words import source_folder
from ram.training.recipe import Recipe


def learned_bank(vocabulary: TagVocabulary, recipe: Recipe, data: Path) -> TagEmbeddingBank:
    """Return the bank that a run begins with: new queries and heads, initialized as in the published training.

    Where the run takes all of another model, tags of its names begin with their rows there.
    """
    hidden, before = recipe.model.decoder.hidden, None
    if recipe.initialize and not recipe.initialize_parts:
        before = TagEmbeddingBank.load(source_folder(recipe.initialize, data), LEARNED)
    generator = torch.Generator().manual_seed(recipe.schedule.seed)
    rows = torch.empty(len(vocabulary), 1, learned_width(hidden))
    rows[..., :hidden].normal_(generator=generator)
    rows[..., hidden:].uniform_(-(hidden**-0.5), hidden**-0.5, generator=generator)
    if before is not None:
        common = [tag for tag in vocabulary.tags if tag in before.vocabulary]
        ids = torch.tensor([vocabulary.id(tag) for tag in common], dtype=torch.long)
        rows[ids] = before.select(common).embedded.embeddings.float()
    descriptions = TagDescriptions({tag: (tag,) for tag in vocabulary.tags})
    return TagEmbeddingBank(vocabulary, descriptions, DescriptionEmbeddings(rows), LEARNED)


def learn_tags(model: TaggingModel, bank: TagEmbeddingBank) -> None:
    """Make the rows of a bank parameters of the model, where its tags are learned."""
    if isinstance(model.queries, LearnedQueries):
        device = next(model.parameters()).device
        model.queries.rows = nn.Parameter(bank.embedded.embeddings.to(device, torch.float32, copy=True))


def present_tags(model: TaggingModel, bank: TagEmbeddingBank) -> DescriptionEmbeddings:
    """Return the tags as they are scored now: the model's rows where these learn, else those of the bank."""
    if isinstance(model.queries, LearnedQueries) and model.queries.rows is not None:
        return DescriptionEmbeddings(model.queries.rows)
    return bank.embedded.to(next(model.parameters()).device, torch.float32)


def take_tags(model: TaggingModel, bank: TagEmbeddingBank) -> TagEmbeddingBank:
    """Return the bank with the rows that the model learned, in 16 bit, and leave the model without them."""
    if not isinstance(model.queries, LearnedQueries) or model.queries.rows is None:
        return bank
    rows = model.queries.rows.detach().cpu().half()
    model.queries.rows = None
    return replace(bank, embedded=DescriptionEmbeddings(rows))
