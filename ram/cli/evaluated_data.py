"""Read the data of ``ram evaluate``: a data set in our forms, or a published benchmark by its name."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ram.cli.terminal import print_json
from ram.errors import InputError

if TYPE_CHECKING:
    from ram.evaluation.benchmarks import Benchmark
    from ram.evaluation.importers.benchmark_table import PublishedBenchmark
    from ram.evaluation.retrieval import CaptionedPictures
    from ram.text.vocabulary import TagVocabulary


def add_benchmark_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--benchmark", metavar="NAME", help="a published benchmark instead of DATASET, with --root")
    parser.add_argument("--root", type=Path, metavar="FOLDER", help="files of the benchmark as its makers publish them")
    parser.add_argument(
        "--list-benchmarks", action="store_true", help="list the benchmarks and the files that they need, and end"
    )


def published(args: argparse.Namespace) -> PublishedBenchmark | None:
    """The benchmark that is asked for by name; None with a data set.

    Raises:
        InputError: neither or both are given, or flags do not go with them.
    """
    if (args.dataset is None) == (args.benchmark is None):
        raise InputError("give either DATASET or --benchmark NAME; --list-benchmarks lists the names")
    if (args.benchmark is None) != (args.root is None):
        raise InputError("--benchmark NAME and --root FOLDER go together: give both")
    if args.benchmark is None:
        return None
    from ram.evaluation.importers.benchmark_table import find_benchmark

    entry = find_benchmark(args.benchmark)
    for flag in ("images", "split"):
        if getattr(args, flag):
            raise InputError(f"--{flag} does not go with --benchmark: leave it out")
    return entry


def read_tagged(args: argparse.Namespace, vocabulary: TagVocabulary | None) -> Benchmark:
    """Images with tags; the vocabulary gives the ids of triplets."""
    from ram.evaluation.benchmarks import Benchmark, load_benchmark

    entry = published(args)
    if entry is None:
        return load_benchmark(args.dataset, args.images, vocabulary)
    from ram.evaluation.importers.benchmark_table import import_benchmark

    benchmark = import_benchmark(entry, args.root)
    if not isinstance(benchmark, Benchmark):
        raise InputError(f"{entry.name} has captions, no tags: add --retrieval or --captions")
    return benchmark


def read_captioned(args: argparse.Namespace) -> CaptionedPictures:
    """Images with captions."""
    from ram.evaluation.retrieval import CaptionedPictures, load_captioned

    entry = published(args)
    if entry is None:
        split = None if args.split is None else (Path(args.split[0]), args.split[1])
        return load_captioned(args.dataset, args.images, split)
    from ram.evaluation.importers.benchmark_table import import_benchmark

    captioned = import_benchmark(entry, args.root)
    if not isinstance(captioned, CaptionedPictures):
        raise InputError(f"{entry.name} has tags, no captions: leave out --retrieval and --captions")
    return captioned


def list_benchmarks(as_json: bool) -> int:
    """Print the table of published benchmarks."""
    from ram.evaluation.importers.benchmark_table import BENCHMARKS

    rows = [
        {
            "name": entry.name,
            "classes": None if entry.classes is None else entry.classes.count,
            "class_list": None if entry.classes is None else entry.classes.file,
            "sha256": None if entry.classes is None else entry.classes.sha256,
            "papers": entry.table,
            "needs": [{"paths": part.paths, "source": part.source} for part in entry.parts],
        }
        for entry in BENCHMARKS.values()
    ]
    if as_json:
        print_json(rows)
        return 0
    for entry in BENCHMARKS.values():
        count = "captions" if entry.classes is None else f"{entry.classes.count} tags, {entry.classes.file}"
        print(f"{entry.name}: {count}; tables of the papers: {entry.table}")
        if entry.classes is not None:
            print(f"  sha256 of the list: {entry.classes.sha256}")
        for part in entry.parts:
            print(f"  {' or '.join(part.paths)}: {part.source}")
    return 0
