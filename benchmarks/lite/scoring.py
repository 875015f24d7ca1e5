"""Scores of cached features over banks, and the banks of the papers' two kinds of prompts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ram.describers.fallback import describe_tags
from ram.describers.loading import load_describer
from ram.describers.template import TemplateDescriber
from ram.evaluation.tag_banks import bank_for, mean_bank, names_in
from ram.models.image_encoder import ImageFeatures
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import TagDescriptions
from ram.text.vocabulary import UNSEEN_THRESHOLD

BATCH = 50


@torch.inference_mode()
def score_looks(tagger: Tagger, looks: ImageFeatures, bank: TagEmbeddingBank) -> NDArray[np.float32]:
    """(images, tags) probabilities of features on the CPU."""
    bank, parts = bank.to(tagger.device, tagger.dtype), []
    for start in range(0, len(looks.tokens), BATCH):
        some = looks.rows(slice(start, start + BATCH)).to(tagger.device)
        parts.append(tagger.score_batch(some, bank).logits.float().sigmoid().cpu())
    return torch.cat(parts).numpy()


def hand_written(tagger: Tagger, tags: Sequence[str]) -> TagEmbeddingBank:
    """One sentence a tag: "a photo of a cat."."""
    template = TemplateDescriber()
    return bank_for(tagger, tags, TagDescriptions({tag: (next(template.describe(tag)),) for tag in tags}))


def described(tagger: Tagger, tags: Sequence[str], like: Tagger) -> TagEmbeddingBank:
    """Several descriptions a tag: those of a shipped vocabulary, or the lexicon's for tags that it lacks.

    A model that knows no re-weighting gets their plain mean, as RAM does in RAM++, Table 2.

    Args:
        tagger: the model.
        tags: the evaluated tags.
        like: its bank has the descriptions.
    """
    names = names_in(like.bank.vocabulary.tags, tags)
    new = list(dict.fromkeys(tag for tag, name in zip(tags, names, strict=True) if name is None))
    lexicon = load_describer("lexicon", environ={})
    written = describe_tags(lexicon, lexicon, new)[0] if new else TagDescriptions({})
    if tagger is like:
        return bank_for(tagger, tags, written)
    known = {tag: like.bank.descriptions[name] for tag, name in zip(tags, names, strict=True) if name is not None}
    own = tagger.bank.vocabulary
    thresholds = [
        UNSEEN_THRESHOLD if name is None else own.thresholds[own.id(name)] for name in names_in(own.tags, tags)
    ]
    texts = TagDescriptions({tag: known.get(tag) or written[tag] for tag in tags})
    return mean_bank(TagEmbeddingBank.build(texts, tagger.text_encoder).with_thresholds(thresholds))
