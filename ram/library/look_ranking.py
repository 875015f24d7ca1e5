"""Score kept looks for tags and sentences: the nearest by pooled token first, then those exactly by the decoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from ram.library.looks import LookStore
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.named_tags import tag_evidence
from ram.runtime import Progress, quiet
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank, warn_of_unreadable

Rows = NDArray[np.int_]
BATCH, NEAR_BATCH = 256, 1024
"""Looks that are scored together: by the decoder, and by pooled token. In float32 they stay in a processor's cache."""
CANDIDATES = 200
"""Photos nearest to a sentence that are scored exactly."""


@torch.inference_mode()
def score_looks(
    tagger: Tagger,
    store: LookStore,
    rows: Rows,
    queries: TagEmbeddingBank | DescriptionEmbeddings,
    progress: Progress = quiet,
) -> torch.Tensor:
    """Logits (rows, tags) of kept looks."""
    parts = []
    for start, batch in _batches(rows, BATCH):
        progress("scoring", start, len(rows))
        features = store.features(batch).map(lambda part: part.to(tagger.device, tagger.dtype))
        parts.append(tagger.score_batch(features, queries).logits.float().cpu())
    return torch.cat(parts)


@torch.inference_mode()
def nearest_looks(tagger: Tagger, store: LookStore, rows: Rows, bank: TagEmbeddingBank, most: int) -> list[Rows]:
    """The rows that are nearest to each tag of a bank, without the decoder.

    Raises:
        InputError: the model learned no re-weighted similarity.
    """
    parts = []
    for _, batch in _batches(rows, NEAR_BATCH):
        features = store.features(batch, patches=False).map(lambda part: part.to(tagger.device, tagger.dtype))
        parts.append(tagger.nearness(features, bank).float().cpu())
    near = torch.cat(parts)
    return [rows[column.topk(min(most, len(rows))).indices.numpy()] for column in near.T]


def nearest_to_sentence(
    tagger: Tagger, store: LookStore, rows: Rows, sentence: str, most: int, tags: Sequence[str] = ()
) -> tuple[Rows, NDArray[np.float32]]:
    """The rows that fit a sentence, the nearest by pooled token, and the scores that they are ordered by.

    A score is the decoder's logit for the sentence, as captions are scored, with the cosine, at the scale that training
    learned, and the evidence of the named tags (:mod:`ram.named_tags`) added. The decoder is asked for all of a
    sentence by one query, and alone ranks long ones poorly.

    Args:
        tagger: whose model made the looks.
        store: of looks.
        rows: of it.
        sentence: in English.
        most: photos to rank; at least :data:`CANDIDATES` are.
        tags: predefined ones that the sentence names.

    Raises:
        TextEncoderError: the model reads no texts.
    """
    query = sentence_query(tagger, sentence)
    cosines = by_cosine(store, rows, query.embeddings[0, 0])
    chosen = highest(cosines, max(CANDIDATES, most))
    near = rows[chosen]
    scores = score_looks(tagger, store, near, query)[:, 0].numpy() + tagger.contrast_scale * cosines[chosen]
    if tags:
        bank = tagger.bank.select(tags)
        logits = score_looks(tagger, store, near, bank)
        scores = scores + tag_evidence(logits, bank.vocabulary.thresholds).sum(dim=1).numpy()
    return near, scores.astype(np.float32)


@torch.inference_mode()
def sentence_query(tagger: Tagger, sentence: str) -> DescriptionEmbeddings:
    """A sentence as a tag with one description, as captions are scored.

    Raises:
        TextEncoderError: the model reads no texts.
    """
    warn_of_unreadable([sentence], "sentences", tagger.text_encoder)
    return DescriptionEmbeddings(tagger.text_encoder.encode([sentence])[:, None]).to(tagger.device, tagger.dtype)


@torch.inference_mode()
def by_cosine(store: LookStore, rows: Rows, towards: torch.Tensor) -> NDArray[np.float32]:
    """Cosines (rows,) of pooled tokens with a vector (dim,).

    The codes on disk are widened a batch at a time, which costs no more than reading a matrix of float32 would.
    """
    towards, parts = F.normalize(towards.float().cpu(), dim=-1), []
    for _, batch in _batches(rows, NEAR_BATCH):
        pooled = store.pooled(batch)
        parts.append(pooled @ towards / torch.linalg.vector_norm(pooled, dim=-1))
    return torch.cat(parts).numpy() if parts else np.zeros(0, np.float32)


def highest(scores: NDArray[np.float32], most: int) -> NDArray[np.int_]:
    """Indices of the highest scores, the highest first."""
    if most < len(scores):
        chosen = np.argpartition(-scores, most)[:most]
        return chosen[np.argsort(-scores[chosen], kind="stable")]
    return np.argsort(-scores, kind="stable")


def _batches(rows: Rows, size: int) -> Iterator[tuple[int, Rows]]:
    for start in range(0, len(rows), size):
        yield start, rows[start : start + size]
