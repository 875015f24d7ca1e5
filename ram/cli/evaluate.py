"""``ram evaluate``: a model held against annotated pictures."""

from __future__ import annotations

import argparse
import csv
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ram.cli.options import (
    add_describer_options,
    add_device_options,
    add_json_option,
    add_model_option,
    check_writable,
    describe_all,
    open_tagger,
)
from ram.cli.terminal import Progress, print_json, print_table, printable, say

if TYPE_CHECKING:
    import numpy as np
    import torch

    from ram.embeddings import TagEmbeddingBank
    from ram.tagger import Tagger

BATCH, CPU_BATCH = 32, 4
"""Pictures that go through the image encoder together; on a CPU, large activations cost more than they save."""

READERS = 4
"""Batches that are read from disk at the same time."""


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "evaluate",
        help="measure a model on annotated pictures",
        description="Measure a model on annotated pictures: mean average precision over the tags, precision "
        "and recall at the thresholds, all between 0 and 1. A tag of the model's vocabulary is scored by the "
        "model's own descriptions and threshold.",
    )
    parser.add_argument(
        "dataset",
        type=Path,
        metavar="DATASET",
        help='JSON [{"image": "1.jpg", "tags": ["dog", ...]}, ...], or a folder with *_taglist.txt, '
        "*_annots.txt and imgs/",
    )
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="where the pictures are")
    add_model_option(parser)
    parser.add_argument(
        "--open-set", action="store_true", help="describe the tags that are not in the model's vocabulary"
    )
    add_describer_options(parser)
    add_json_option(parser)
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the figures of each tag, .csv")
    add_device_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.csv is not None:
        check_writable(args.csv, (".csv",))
    from ram.evaluation.benchmarks import evaluate, load_benchmark

    benchmark = load_benchmark(args.dataset, args.images)
    tagger = open_tagger(args, args.model)
    bank, columns, described = _bank(tagger, benchmark.tags, args)
    scores = score_pictures(tagger, bank, benchmark.pictures)[:, columns]
    thresholds = [bank.vocabulary.thresholds[column] for column in columns]
    report = {
        "dataset": benchmark.name,
        "model": tagger.name,
        "pictures": len(benchmark.pictures),
        "predefined_tags": len(benchmark.tags) - described,
        "described_tags": described,
        "describer": args.describer if described else None,
        **evaluate(scores, benchmark, thresholds).to_dict(),
    }
    if args.csv is not None:
        _write_csv(args.csv, report["per_tag"])
    if args.json:
        print_json(report)
    else:
        _print(report)
    return 0


def score_pictures(tagger: Tagger, bank: TagEmbeddingBank, pictures: Sequence[Path]) -> np.ndarray:
    """(pictures, tags) probabilities.

    Raises:
        PictureError: a picture cannot be read.
    """
    import torch

    from ram.tagger import CHUNK

    size = CPU_BATCH if tagger.device.type == "cpu" else BATCH
    embedded = bank.to(tagger.device, tagger.dtype).embedded
    parts: list[torch.Tensor] = []
    with torch.inference_mode(), Progress() as progress:
        for pixels in _batches(tagger, pictures, size):
            progress(f"{tagger.name} looks at the pictures", len(parts) * size, len(pictures))
            features = tagger.model.look(pixels.to(tagger.device, tagger.dtype))
            parts.append(tagger.model.align(features, embedded, CHUNK).logits.float().sigmoid().cpu())
    return torch.cat(parts).numpy()


def _batches(tagger: Tagger, pictures: Sequence[Path], size: int) -> Iterator[torch.Tensor]:
    """(up to ``size``, 3, height, width) pixels; the next are read while the model looks at these."""
    import torch

    from ram.image import open_picture

    def read(batch: Sequence[Path]) -> torch.Tensor:
        return torch.stack([tagger.transform(open_picture(picture)) for picture in batch])

    batches = (pictures[start : start + size] for start in range(0, len(pictures), size))
    with ThreadPoolExecutor(READERS) as readers:
        ahead = deque(readers.submit(read, batch) for batch in islice(batches, READERS + 1))
        while ahead:
            yield ahead.popleft().result()
            ahead.extend(readers.submit(read, batch) for batch in islice(batches, 1))


def _bank(
    tagger: Tagger, tags: Sequence[str], args: argparse.Namespace
) -> tuple[TagEmbeddingBank, list[int], int]:
    """Everything to score, where each evaluated tag is in it, and how many of them had to be described.

    A tag is found in the vocabulary whatever its case. Official lists name a few tags twice.
    """
    known = {tag.casefold(): tag for tag in reversed(tagger.bank.vocabulary.tags)}
    names = [tag if tag in tagger.bank.vocabulary else known.get(tag.casefold(), tag) for tag in tags]
    held = [name for name in dict.fromkeys(names) if name in tagger.bank.vocabulary]
    new = [name for name in dict.fromkeys(names) if name not in tagger.bank.vocabulary]
    if new and not args.open_set:
        raise ValueError(
            f"{len(new)} of {len(set(names))} tags are not in the vocabulary of {tagger.name}, such as "
            f'"{new[0]}": --open-set describes them'
        )
    bank = tagger.bank.select(held)
    if new:
        bank = bank.join(tagger.embed(describe_all(args, new)))
    return bank, [bank.vocabulary.id(name) for name in names], sum(name in set(new) for name in names)


def _write_csv(path: Path, per_tag: Sequence[dict[str, Any]]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, list(per_tag[0]), lineterminator="\n")
        rows.writeheader()
        rows.writerows(per_tag)
    say(f"the figures of each tag are in {printable(str(path))}")


def _print(report: dict[str, Any]) -> None:
    print(f"{printable(report['dataset'])}: {report['pictures']} pictures, {printable(report['model'])}")
    tags = f"tags: {report['predefined_tags']} predefined"
    if report["described_tags"]:
        tags += f", {report['described_tags']} described by {report['describer']}"
    if report["tags_without_positive"]:
        tags += f"; {report['tags_without_positive']} without a positive are left out of the means"
    print(f"  {tags}")
    meanings = {
        "mAP": "mean average precision",
        "CP": "precision, mean over the tags",
        "CR": "recall, mean over the tags",
        "CF1": "their harmonic mean",
        "OP": "precision of all decisions",
        "OR": "recall of all decisions",
        "OF1": "their harmonic mean",
    }
    print_table([(name, f"{report[name]:.3f}", meaning) for name, meaning in meanings.items()])
