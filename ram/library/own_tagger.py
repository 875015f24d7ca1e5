"""A tagger for labels of one's own: tag embeddings moved towards labelled photos, the network left as it is.

A label's descriptions give its first embeddings, near to the pooled tokens of photos that they fit. Training adds to
all of them the direction from the photos without the label to those with it, as far as cross-validation says. The
result is a bank: it goes into a tag pack or a model folder as any other does. Vectors trained by gradient through the
decoder took forty times as long, and ranked other photos no better (docs/library.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from ram.errors import InputError
from ram.evaluation.calibration import best_f1_threshold
from ram.evaluation.metrics import average_precisions
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.image_encoder import ImageFeatures
from ram.runtime import Progress, quiet
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank

LEAST = 3
"""Photos with a label that it needs, and photos without it."""
LENGTHS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.8)
"""Lengths of what is added to unit embeddings, of which cross-validation chooses one for all labels: a few photos of
one label decide little."""
PRIOR = 4
"""Photos of a label that halve what is added."""
FOLDS = 5
"""Parts of the cross-validation."""


@dataclass(frozen=True)
class LabelReport:
    """Average precision of one label before and after training.

    Args:
        tag: the label.
        photos: number of photos with the label.
        before, after: average precision on photos that were left out of training, in turns.
    """

    tag: str
    photos: int
    before: float
    after: float


def labels_of(thumbs: Mapping[str, Mapping[int, int]]) -> tuple[list[str], NDArray[np.int64], NDArray[np.bool_]]:
    """Labels, rows and (rows, labels) targets of thumbs.

    A photo with a thumb on any label counts as without the labels that it has no thumb up for.

    Raises:
        InputError: no label has enough photos with and without it.
    """
    rows = np.array(sorted({row for judged in thumbs.values() for row in judged}), dtype=np.int64)
    columns = {tag: np.array([judged.get(row, 0) > 0 for row in rows.tolist()]) for tag, judged in thumbs.items()}
    chosen = [tag for tag, column in columns.items() if LEAST <= column.sum() <= len(rows) - LEAST]
    if not chosen:
        raise InputError(f"no label has {LEAST} photos with a thumb up and {LEAST} without: mark more photos")
    return chosen, rows, np.stack([columns[tag] for tag in chosen], axis=1)


def train_labels(
    tagger: Tagger, bank: TagEmbeddingBank, looks: ImageFeatures, targets: NDArray[np.bool_], progress: Progress = quiet
) -> tuple[TagEmbeddingBank, list[LabelReport]]:
    """Move the embeddings of a bank towards labelled photos.

    Args:
        tagger: whose network scores.
        bank: the labels as their descriptions give them.
        looks: of the photos.
        targets: (photos, tags) True where a photo has a label.
        progress: called with how much is done.

    Returns:
        The bank with moved embeddings and thresholds, and a report of each label.
    """
    looks = looks.map(lambda part: part.to(tagger.device, tagger.dtype))
    start = bank.to(tagger.device, tagger.dtype).embedded
    wanted = torch.from_numpy(targets.astype(np.float32)).to(tagger.device, tagger.dtype)
    left_out = {length: np.zeros(targets.shape, np.float32) for length in LENGTHS}
    parts, done = _parts(targets), 0
    for part in range(FOLDS):
        here = torch.from_numpy(parts == part)
        direction = _direction(looks.pooled[~here], wanted[~here])
        for length, scores in left_out.items():
            progress("training", done, FOLDS * len(LENGTHS))
            done += 1
            scores[here.numpy()] = _probabilities(tagger, looks.rows(here), _moved(start, direction * length))
    progress("training", done, FOLDS * len(LENGTHS))
    precisions = {length: average_precisions(scores, targets) for length, scores in left_out.items()}
    best = max(LENGTHS, key=lambda length: precisions[length].mean())
    final = _moved(start, _direction(looks.pooled, wanted) * best)
    thresholds = [best_f1_threshold(left_out[best][:, i], targets[:, i]) for i in range(targets.shape[1])]
    made = replace(bank, embedded=final).with_thresholds(thresholds)
    counted = zip(bank.vocabulary.tags, targets.sum(axis=0), precisions[0.0], precisions[best], strict=True)
    return made, [LabelReport(tag, int(n), float(before), float(after)) for tag, n, before, after in counted]


def _direction(pooled: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """(tags, dim) from the mean unit pooled token (rows, dim) without each label to that with it.

    Args:
        pooled: of the photos.
        wanted: (rows, tags) 1 where a photo has a label.
    """
    unit, counts = F.normalize(pooled, dim=-1), wanted.sum(dim=0)[:, None]
    having = wanted.T @ unit / counts.clamp(min=1)
    lacking = (1 - wanted).T @ unit / (len(wanted) - counts).clamp(min=1)
    return F.normalize(having - lacking, dim=-1) * counts / (counts + PRIOR)


def _moved(start: DescriptionEmbeddings, added: torch.Tensor) -> DescriptionEmbeddings:
    """All embeddings of each tag with (tags, dim) added, unit again."""
    return replace(start, embeddings=F.normalize(start.embeddings + added[:, None], dim=-1))


@torch.inference_mode()
def _probabilities(tagger: Tagger, looks: ImageFeatures, bank: DescriptionEmbeddings) -> NDArray[np.float32]:
    return tagger.model.align(looks, bank).logits.sigmoid().float().cpu().numpy()


def _parts(targets: NDArray[np.bool_]) -> NDArray[np.int64]:
    """A part of the cross-validation for each photo, with the rarest label that it has spread evenly."""
    rarest = np.where(targets, targets.sum(axis=0), len(targets) + 1).argmin(axis=1)
    rarest[~targets.any(axis=1)] = targets.shape[1]
    order = np.argsort(rarest, kind="stable")
    parts = np.empty(len(targets), dtype=np.int64)
    parts[order] = np.arange(len(targets)) % FOLDS
    return parts
