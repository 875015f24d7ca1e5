"""A tagger held against a benchmark, or calibrated on one: what experiments call, and what the command line prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ram.evaluation.benchmarks import Benchmark, Report, evaluate
from ram.evaluation.calibration import Goal, calibrate
from ram.evaluation.pictures import look_at
from ram.evaluation.tag_banks import bank_for, names_in
from ram.runtime import Progress, quiet
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank
from ram.text.vocabulary import TagVocabulary


def evaluate_tagger(
    tagger: Tagger, benchmark: Benchmark, bank: TagEmbeddingBank | None = None, progress: Progress = quiet
) -> Report:
    """Score all pictures of a benchmark and hold the scores against its annotations.

    Args:
        tagger: a tag of its vocabulary counts as predefined, every other one as described.
        benchmark: what to measure on.
        bank: holds every tag of the benchmark (see :mod:`ram.evaluation.tag_banks`), each at its threshold; the
            tagger's own where None.
        progress: told how far it is.

    Raises:
        ValueError: a tag is not in the bank, or no tag has a positive.
        ImageError: some pictures cannot be read; the message names them.
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


@dataclass(frozen=True, eq=False)
class Calibration:
    """What calibrating gave.

    Args:
        vocabulary: all tags of the tagger, with their new thresholds.
        changed: how many thresholds are other than before.
        unknown: how many tags of the benchmark are not in the vocabulary.
        before, after: the same scores at the old and at the new thresholds, over the tags of the benchmark.
    """

    vocabulary: TagVocabulary
    changed: int
    unknown: int
    before: Report
    after: Report

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        averages = ("CP", "CR", "CF1", "OP", "OR", "OF1")
        return {
            "pictures": self.after.pictures,
            "tags": len(self.vocabulary),
            "changed": self.changed,
            "without_positive": len(self.vocabulary) - int((self.after.positives > 0).sum()),
            "unknown_tags": self.unknown,
            "before": {name: getattr(self.before.rates, name) for name in averages},
            "after": {name: getattr(self.after.rates, name) for name in averages},
        }


def calibrate_tagger(
    tagger: Tagger, benchmark: Benchmark, goal: Goal | None = None, progress: Progress = quiet
) -> Calibration:
    """Choose thresholds for a goal (see :func:`ram.evaluation.calibration.calibrate`) on a development set.

    A tag of the vocabulary without a positive keeps its threshold: the set may not annotate it.

    Raises:
        ValueError: no tag of the vocabulary has a positive.
        ImageError: some pictures cannot be read; the message names them.
    """
    own = tagger.bank.vocabulary
    names = np.array(names_in(own.tags, benchmark.tags), dtype=object)
    tags = tuple(dict.fromkeys(name for name in names if name is not None))
    if not tags:
        raise ValueError(f"no tag of {benchmark.name} is in the vocabulary of {tagger.name}: nothing to calibrate")
    targets = np.stack([benchmark.targets[:, names == tag].any(axis=1) for tag in tags], axis=1)
    known = Benchmark(benchmark.name, tags, benchmark.pictures, targets)
    scores = score_pictures(tagger, tagger.bank.select(tags), known.pictures, progress)
    ids = [own.id(tag) for tag in tags]
    thresholds = np.array(own.thresholds)
    old = thresholds[ids]
    thresholds[ids] = calibrate(scores, targets, goal=goal, kept=old)
    return Calibration(
        TagVocabulary(own.tags, tuple(thresholds.tolist()), own.translations),
        changed=int((thresholds[ids] != old).sum()),
        unknown=len({tag for tag, name in zip(benchmark.tags, names, strict=True) if name is None}),
        before=evaluate(scores, known, old),
        after=evaluate(scores, known, thresholds[ids]),
    )


@torch.inference_mode()
def score_pictures(
    tagger: Tagger, bank: TagEmbeddingBank, pictures: Sequence[Path], progress: Progress = quiet
) -> NDArray[np.float32]:
    """(pictures, tags) probabilities.

    Raises:
        ImageError: some pictures cannot be read; the message names them.
    """
    bank = bank.to(tagger.device, tagger.dtype)
    parts = [
        tagger.score_batch(features, bank).logits.float().sigmoid().cpu()
        for features in look_at(tagger, pictures, progress)
    ]
    return torch.cat(parts).numpy()
