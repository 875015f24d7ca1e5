"""Thumbs: F1 of predefined and new tags after thumbs on 0, 5, 10 and 20 photos a tag.

    python -m benchmarks.thumbs BENCHMARK --images PHOTOS [--open-set] [--threshold 0.5] [--model ram-plus-lite]

BENCHMARK is what `ram evaluate` takes. The photos are halved at random, several times. In one half, thumbs are drawn
among the photos that a search for the tag lists; F1 is measured on the other half, over decisions that are annotated.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ram.describers.by_name import describe_names
from ram.evaluation.benchmarks import Benchmark, load_benchmark
from ram.evaluation.pictures import look_at
from ram.evaluation.tag_banks import bank_for, names_in
from ram.library.thumb_learning import f1 as f1_of
from ram.library.thumb_learning import shifted
from ram.prediction import logit
from ram.tagger import Tagger
from ram.tagger_loading import load

COUNTS = (5, 10, 20)
HALVES = 40
LEAST = 10
"""Photos that must have a tag, so that both halves show it."""
LISTED, SHARE = 100, 1.5
"""Photos that a search lists: at least so many, and so many times those over the threshold."""
LOSS = 1e-9


def measure(
    logits: NDArray[np.floating],
    targets: NDArray[np.bool_],
    known: NDArray[np.bool_],
    thresholds: Sequence[float],
    seed: int = 0,
) -> tuple[float, dict[int, tuple[float, float]]]:
    """Mean F1 without thumbs; and by their number, mean F1 with them and the share of draws in which it fell.

    Args:
        logits, targets, known: (photos, tags).
        thresholds: one per tag, in 0..1.
        seed: of the halves and the draws.
    """
    generator = np.random.default_rng(seed)
    before: list[float] = []
    after: dict[int, list[float]] = {count: [] for count in COUNTS}
    for _ in range(HALVES):
        order = generator.permutation(len(logits))
        judged, tested = order[: len(order) // 2], order[len(order) // 2 :]
        for tag, threshold in enumerate(thresholds):
            cut = logit(threshold)
            test = tested[known[tested, tag]]
            before.append(f1(logits[test, tag], targets[test, tag], cut))
            rows = judged[known[judged, tag]]
            rows = rows[np.argsort(-logits[rows, tag])]
            listed = rows[: max(LISTED, int(SHARE * (logits[rows, tag] > cut).sum()))]
            drawn = generator.permutation(listed)
            for count in COUNTS:
                thumbs = drawn[:count]
                learned = logit(shifted(logits[thumbs, tag], targets[thumbs, tag], threshold))
                after[count].append(f1(logits[test, tag], targets[test, tag], learned))
    fell = {count: float(np.mean(np.array(scores) < np.array(before) - LOSS)) for count, scores in after.items()}
    return float(np.mean(before)), {count: (float(np.mean(after[count])), fell[count]) for count in COUNTS}


def f1(logits: NDArray[np.floating], right: NDArray[np.bool_], cut: float) -> float:
    """F1 of what is over a cut; 0 where nothing is right or predicted."""
    return f1_of(logits > cut, right)


def score(tagger: Tagger, benchmark: Benchmark, open_set: bool) -> tuple[NDArray[np.floating], list[float]]:
    """Logits (photos, tags) of a benchmark and the shipped threshold of each tag."""
    names = names_in(tagger.bank.vocabulary.tags, benchmark.tags)
    new = [tag for tag, name in zip(benchmark.tags, names, strict=True) if name is None]
    bank = bank_for(tagger, benchmark.tags, describe_names(new) if new and open_set else None)
    columns = [bank.vocabulary.id(name or tag) for name, tag in zip(names, benchmark.tags, strict=True)]
    parts = []
    with torch.inference_mode():
        for features in look_at(tagger, benchmark.pictures):
            parts.append(tagger.score_batch(features, bank).logits[:, columns].float().numpy())
    return np.concatenate(parts), [bank.vocabulary.thresholds[column] for column in columns]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmark", type=Path, metavar="BENCHMARK", help="as for `ram evaluate`")
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="as for `ram evaluate`")
    parser.add_argument("--open-set", action="store_true", help="describe tags that the model lacks")
    parser.add_argument("--threshold", type=float, metavar="P", help="of all tags, in place of the shipped ones")
    parser.add_argument("--model", default="ram-plus-lite")
    args = parser.parse_args()
    tagger = load(args.model, device="cpu")
    benchmark = load_benchmark(args.benchmark, args.images)
    logits, thresholds = score(tagger, benchmark, args.open_set)
    known = np.ones_like(benchmark.targets) if benchmark.known is None else benchmark.known
    often = np.flatnonzero((benchmark.targets & known).sum(axis=0) >= LEAST)
    chosen = [args.threshold or thresholds[tag] for tag in often]
    before, after = measure(logits[:, often], benchmark.targets[:, often], known[:, often], chosen)
    print(f"{tagger.name}, {benchmark.name}: {len(benchmark.pictures)} photos, {len(often)} tags, {HALVES} halves")
    print(f"no thumb: F1 {100 * before:.1f}")
    for count, (mean, fell) in after.items():
        print(f"{count} thumbs a tag: F1 {100 * mean:.1f}, lower in {100 * fell:.0f} % of the draws")


if __name__ == "__main__":
    main()
