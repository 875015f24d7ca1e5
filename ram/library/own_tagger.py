"""A tagger for labels of one's own: tag embeddings trained on kept looks, the network left as it is.

A label's descriptions give its first embeddings. Training adds one vector to all of them, so that the decoder's query
finds what the labelled photos show. The result is a bank: it goes into a tag pack or a model folder as any other does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
STEPS = (0, 3, 6, 10, 15, 20, 30, 40)
"""Numbers of steps of which cross-validation chooses one for all labels; few photos of one label decide little."""
RATE, DECAY, FOLDS = 0.02, 0.05, 3
"""Learning rate, weight of the squared length of what is added, and parts of the cross-validation."""


@dataclass(frozen=True)
class LabelReport:
    """What training did for one label.

    Args:
        tag: the label.
        photos: with it.
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
    """Train the embeddings of a bank for labelled photos.

    Args:
        tagger: whose network scores.
        bank: the labels as their descriptions give them.
        looks: of the photos.
        targets: (photos, tags) True where a photo has a label.
        progress: called with the steps done.

    Returns:
        The bank with trained embeddings and thresholds, and a report of each label.
    """
    looks = looks.map(lambda part: part.to(tagger.device, tagger.dtype))
    start = bank.to(tagger.device, tagger.dtype).embedded
    wanted = torch.from_numpy(targets.astype(np.float32)).to(tagger.device)
    left_out = {step: np.zeros(targets.shape, np.float32) for step in STEPS}
    parts, last = _parts(targets), max(STEPS)
    for part in range(FOLDS):
        here = torch.from_numpy(parts == part)
        for step, embeddings in enumerate(_fit(tagger, start, looks.rows(~here), wanted[~here], last)):
            progress("training", part * last + step, (FOLDS + 1) * last)
            if step in left_out:
                left_out[step][here.numpy()] = _probabilities(tagger, looks.rows(here), embeddings)
    precisions = {step: average_precisions(scores, targets) for step, scores in left_out.items()}
    best = max(STEPS, key=lambda step: precisions[step].mean())
    final = start
    for step, embeddings in enumerate(_fit(tagger, start, looks, wanted, best)):
        progress("training", FOLDS * last + step * last // max(best, 1), (FOLDS + 1) * last)
        final = embeddings
    thresholds = [best_f1_threshold(left_out[best][:, i], targets[:, i]) for i in range(targets.shape[1])]
    made = replace(bank, embedded=replace(bank.embedded, embeddings=final.embeddings)).with_thresholds(thresholds)
    counted = zip(bank.vocabulary.tags, targets.sum(axis=0), precisions[0], precisions[best], strict=True)
    return made, [LabelReport(tag, int(n), float(before), float(after)) for tag, n, before, after in counted]


def _fit(
    tagger: Tagger, start: DescriptionEmbeddings, looks: ImageFeatures, wanted: torch.Tensor, steps: int
) -> Iterator[DescriptionEmbeddings]:
    """Yield the embeddings before the first and after each step; rare labels count as much as frequent ones."""
    added = torch.zeros(start.tags, 1, start.embeddings.shape[2], device=wanted.device, requires_grad=True)
    optimizer = torch.optim.Adam([added], RATE)
    share = wanted.mean(dim=0).clamp(0.01, 0.99)
    weights = torch.where(wanted > 0, 0.5 / share, 0.5 / (1 - share))
    yield start
    for _ in range(steps):
        with torch.enable_grad():
            moved = replace(start, embeddings=F.normalize(start.embeddings + added, dim=-1))
            logits = tagger.model.align(looks, moved).logits
            loss = F.binary_cross_entropy_with_logits(logits, wanted, weights) + DECAY * added.square().sum(-1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        yield replace(start, embeddings=F.normalize(start.embeddings + added.detach(), dim=-1))


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
