"""``ram generate``: add tags to training triplets by a trained model (RAM's data engine)."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from ram.cli.options import (
    add_device_options,
    add_json_option,
    add_model_option,
    check_writable,
    fraction,
    open_tagger,
)
from ram.cli.terminal import Progress, print_json, printable, say
from ram.cli.triplet_files import add_triplet_options, read_labels, read_triplets
from ram.errors import InputError
from ram.text.files import read_lines, write_json


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "generate",
        help="let a model add tags to training triplets",
        description="Score the pictures of training triplets, add the tags that the model finds, and remove those that "
        "it gives a very low probability. Train the next model on the result.",
        epilog="example: ram generate train.json --pictures photos --output more.json --clean-below 0.02",
    )
    add_triplet_options(parser)
    add_model_option(parser)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the triplets to write, .json")
    parser.add_argument(
        "--threshold", type=fraction, metavar="T", help="add tags over T (default: each tag's own threshold)"
    )
    parser.add_argument(
        "--clean-below", type=fraction, default=0.0, metavar="T", help="remove tags under T (none)"
    )
    parser.add_argument("--exclude", type=Path, metavar="FILE", help="tags that are never added, one per line")
    add_json_option(parser)
    add_device_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    check_writable(args.output, (".json",))
    labels = read_labels(args.labels)
    triplets = read_triplets(args.triplets, len(labels))
    exclude = read_lines(args.exclude) if args.exclude is not None else ()
    tagger = open_tagger(args, args.model)

    from ram.training.data_engine.generation import DataEngine

    engine = DataEngine(tagger, labels, args.threshold, args.clean_below, exclude)
    with Progress() as progress:
        changed = list(engine.annotate(triplets, args.pictures, progress))
    report = engine.report
    if not report.pictures:
        raise InputError(f"none of {len(triplets)} pictures can be read, such as: {report.unreadable[0]}")
    write_json(args.output, changed)
    if report.unreadable:
        say(printable(f"{len(report.unreadable)} pictures are unchanged, such as: {report.unreadable[0]}"))
    if args.json:
        print_json({"output": str(args.output), "model": tagger.name, **dataclasses.asdict(report)})
    else:
        print(
            f"{report.pictures} pictures, {report.generated} tags added, {report.cleaned} removed: "
            f"{printable(str(args.output))}"
        )
    return 0
