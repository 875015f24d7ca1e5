"""Evaluate a tagger on a benchmark, or calibrate its thresholds on one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ram.errors import InputError
from ram.evaluation.benchmarks import Benchmark, Report, evaluate
from ram.evaluation.calibration import Goal, calibrate
from ram.evaluation.pictures import look_at
from ram.evaluation.tag_banks import bank_for, names_in
from ram.runtime import Progress, quiet
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank
from ram.text.vocabulary import TagVocabulary


def evaluate_tagger(
    tagger: Tagger,
    benchmark: Benchmark,
    bank: TagEmbeddingBank | None = None,
    progress: Progress = quiet,
    tune: str | None = None,
) -> Report:
    """Score all images of a benchmark and compare the scores with its annotations.

    Args:
        tagger: a tag of its vocabulary counts as predefined, every other one as described.
        benchmark: what to measure on.
        bank: every tag of the benchmark with its threshold (see :mod:`ram.evaluation.tag_banks`); the tagger's own
            bank where None.
        progress: called with what is being done, how much is done, and how much there is.
        tune: goal of a threshold that all tags share, see :func:`ram.evaluation.tuned_rates.tuned_rates`.

    Raises:
        InputError: a tag is not in the bank, no tag has a positive, or ``tune`` is no goal.
        ImageError: some images cannot be read; the message names them.
    """
    bank = bank_for(tagger, benchmark.tags) if bank is None else bank
    names = []
    for tag, name in zip(benchmark.tags, names_in(bank.vocabulary.tags, benchmark.tags), strict=True):
        if name is None:
            raise InputError(f'the bank does not hold "{tag}" of {benchmark.name}: make it with bank_for')
        names.append(name)
    bank = bank.select(tuple(dict.fromkeys(names)))
    columns = [bank.vocabulary.id(name) for name in names]
    return evaluate(
        score_pictures(tagger, bank, benchmark.pictures, progress)[:, columns],
        benchmark,
        [bank.vocabulary.thresholds[column] for column in columns],
        [name is not None for name in names_in(tagger.bank.vocabulary.tags, benchmark.tags)],
        tune,
    )


@dataclass(frozen=True, eq=False)
class Calibration:
    """The result of a calibration.

    Args:
        vocabulary: all tags of the tagger with their new thresholds.
        changed: number of thresholds that changed.
        unknown: number of tags of the benchmark that are not in the vocabulary.
        before, after: results at the old and the new thresholds, over the tags of the benchmark.
    """

    vocabulary: TagVocabulary
    changed: int
    unknown: int
    before: Report
    after: Report

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "pictures": self.after.pictures,
            "tags": len(self.vocabulary),
            "changed": self.changed,
            "without_positive": len(self.vocabulary) - int((self.after.positives > 0).sum()),
            "unknown_tags": self.unknown,
            "before": self.before.rates.averages(),
            "after": self.after.rates.averages(),
        }


def calibrate_tagger(
    tagger: Tagger, benchmark: Benchmark, goal: Goal | None = None, progress: Progress = quiet
) -> Calibration:
    """Choose thresholds on a development set, see :func:`ram.evaluation.calibration.calibrate`.

    A tag of the vocabulary without a positive keeps its threshold: the set may not annotate it.

    Raises:
        InputError: no tag of the vocabulary has a positive.
        ImageError: some images cannot be read; the message names them.
    """
    own = tagger.bank.vocabulary
    names = np.array(names_in(own.tags, benchmark.tags), dtype=object)
    tags = tuple(dict.fromkeys(name for name in names if name is not None))
    if not tags:
        raise InputError(f"no tag of {benchmark.name} is in the vocabulary of {tagger.name}: nothing to calibrate")
    targets = np.stack([benchmark.targets[:, names == tag].any(axis=1) for tag in tags], axis=1)
    judged = benchmark.known
    if judged is not None:
        judged = np.stack([judged[:, names == tag].any(axis=1) for tag in tags], axis=1)
    known = Benchmark(benchmark.name, tags, benchmark.pictures, targets, judged)
    scores = score_pictures(tagger, tagger.bank.select(tags), known.pictures, progress)
    ids = [own.id(tag) for tag in tags]
    thresholds = np.array(own.thresholds)
    old = thresholds[ids]
    thresholds[ids] = calibrate(scores, targets, goal=goal, kept=old, known=judged)
    return Calibration(
        own.with_thresholds(thresholds.tolist()),
        changed=int((thresholds[ids] != old).sum()),
        unknown=len({tag for tag, name in zip(benchmark.tags, names, strict=True) if name is None}),
        before=evaluate(scores, known, old),
        after=evaluate(scores, known, thresholds[ids]),
    )


@torch.inference_mode()
def score_pictures(
    tagger: Tagger, bank: TagEmbeddingBank, pictures: Sequence[Path], progress: Progress = quiet
) -> NDArray[np.float32]:
    """Return (images, tags) probabilities.

    Raises:
        ImageError: some images cannot be read; the message names them.
    """
    bank = bank.to(tagger.device, tagger.dtype)
    parts = [
        tagger.score_batch(features, bank).logits.float().sigmoid().cpu()
        for features in look_at(tagger, pictures, progress)
    ]
    return torch.cat(parts).numpy()
