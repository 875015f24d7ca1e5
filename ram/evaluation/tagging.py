"""A tagger held against a benchmark: what experiments call, and what ``ram evaluate`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ram.embeddings import TagEmbeddingBank
from ram.evaluation.banks import bank_for, names_in
from ram.evaluation.benchmarks import Benchmark, Report, evaluate
from ram.evaluation.pictures import Progress, look_at, silent
from ram.tagger import CHUNK, Tagger


def evaluate_tagger(
    tagger: Tagger, benchmark: Benchmark, bank: TagEmbeddingBank | None = None, progress: Progress = silent
) -> Report:
    """Score all pictures of a benchmark and hold the scores against its annotations.

    Args:
        tagger: a tag of its vocabulary counts as predefined, every other one as described.
        benchmark: what to measure on.
        bank: holds every tag of the benchmark (see :mod:`ram.evaluation.banks`), each at its threshold; the
            tagger's own where None.
        progress: told how far it is.

    Raises:
        ValueError: a tag is not in the bank, or no tag has a positive.
        PictureError: some pictures cannot be read; the message names them.
    """
    bank = bank_for(tagger, benchmark.tags) if bank is None else bank
    names = []
    for tag, name in zip(benchmark.tags, names_in(bank.vocabulary.tags, benchmark.tags), strict=True):
        if name is None:
            raise ValueError(f'the bank does not hold "{tag}" of {benchmark.name}: make it with bank_for')
        names.append(name)
    bank = bank.select(tuple(dict.fromkeys(names)))
    columns = [bank.vocabulary.id(name) for name in names]
    return evaluate(
        score_pictures(tagger, bank, benchmark.pictures, progress)[:, columns],
        benchmark,
        [bank.vocabulary.thresholds[column] for column in columns],
        [name is not None for name in names_in(tagger.bank.vocabulary.tags, benchmark.tags)],
    )


@torch.inference_mode()
def score_pictures(
    tagger: Tagger, bank: TagEmbeddingBank, pictures: Sequence[Path], progress: Progress = silent
) -> NDArray[np.float32]:
    """(pictures, tags) probabilities.

    Raises:
        PictureError: some pictures cannot be read; the message names them.
    """
    embedded = bank.to(tagger.device, tagger.dtype).embedded
    parts = [
        tagger.model.align(features, embedded, CHUNK).logits.float().sigmoid().cpu()
        for features in look_at(tagger, pictures, progress)
    ]
    return torch.cat(parts).numpy()
