"""``ram clean``: strike out wrong tags of training triplets by the regions that show them."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ram.cli.options import (
    add_device_options,
    add_json_option,
    add_model_option,
    check_writable,
    fraction,
    open_tagger,
    positive,
)
from ram.cli.terminal import Progress, print_json, print_table, printable, say
from ram.cli.triplet_files import add_triplet_options, read_labels, read_triplets
from ram.errors import InputError
from ram.text.files import write_json, write_table

if TYPE_CHECKING:
    from ram.training.data_engine.look_shards import LookTask
    from ram.training.data_engine.region_looks import Pair, RegionLooks

MOST_SHOWN = 20
"""Tags that are printed; a table in a file has all of them."""


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "clean",
        help="strike out wrong tags of training triplets",
        description="Look at the region of every tag of training triplets. Strike out the tags whose regions are "
        "unlike those of other pictures with the tag (farthest from the centres of K-means++ clusters), and the tags "
        "that the model does not recognize in their regions. Tags that the model does not know stay.",
        epilog="example: ram clean more.json --pictures photos --output clean.json --work looks --report report",
    )
    add_triplet_options(parser)
    add_model_option(parser)
    parser.add_argument(
        "--detector",
        default="attention",
        metavar="NAME",
        help="finds the regions: attention (of the model, default), or the folder or hub name of a Grounding-DINO, "
        "such as IDEA-Research/grounding-dino-tiny",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="the triplets to write, .json")
    parser.add_argument("--counts", type=Path, metavar="FILE", help="write the counts of each tag, .csv")
    parser.add_argument(
        "--outlying", type=fraction, default=0.1, metavar="SHARE", help="strike out the farthest of each tag (0.1)"
    )
    parser.add_argument("--clusters", type=positive, default=3, metavar="N", help="clusters of each tag (3)")
    parser.add_argument(
        "--least", type=positive, default=20, metavar="N", help="do not cluster a tag on fewer pictures (20)"
    )
    parser.add_argument(
        "--of-threshold",
        type=fraction,
        default=0.05,
        metavar="SHARE",
        help="a region is recognized over this share of its tag's own threshold; 1 is the paper's rule, 0 switches "
        "this off (%(default)s)",
    )
    parser.add_argument(
        "--seen-over", type=fraction, metavar="T", help="a region is recognized over T, the same for all tags"
    )
    parser.add_argument("--report", type=Path, metavar="FOLDER", help="write a page with thumbnails, and JSON, there")
    parser.add_argument(
        "--work",
        type=Path,
        metavar="FOLDER",
        help="keep what was seen in shards there: a stopped run goes on, and other rules need no new looks",
    )
    parser.add_argument(
        "--part",
        type=_part,
        default=(1, 1),
        metavar="I/N",
        help="look at one of N parts only, on one of N machines that share --work; then run without it",
    )
    parser.add_argument(
        "--processes",
        type=positive,
        default=1,
        metavar="N",
        help="processes that look at the same time, each with the model in its memory (%(default)s)",
    )
    parser.add_argument(
        "--plant-errors",
        type=fraction,
        metavar="SHARE",
        help="instead of cleaning, exchange this share of the tags and count how many are struck out",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the planted errors (0)")
    add_json_option(parser)
    add_device_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    only_look = args.part != (1, 1)
    if only_look and args.work is None:
        raise InputError("--part needs --work FOLDER, which all parts share")
    if not only_look and (args.output is None) == (args.plant_errors is None):
        raise InputError("give either --output FILE or --plant-errors SHARE")
    for path, suffixes in ((args.output, (".json",)), (args.counts, (".csv",))):
        if path is not None:
            check_writable(path, suffixes)
    from ram.training.data_engine.look_shards import LookTask, look_in_shards, read_shards
    from ram.training.data_engine.planted_errors import plant_errors

    labels = read_labels(args.labels)
    triplets, planted = read_triplets(args.triplets, len(labels)), None
    tagger = open_tagger(args, args.model)
    if args.plant_errors is not None:
        known = [id_ for id_, tag in enumerate(labels.tags) if tag in tagger.bank.vocabulary]
        triplets, planted = plant_errors(triplets, known, args.plant_errors, args.seed)
    task = LookTask(tagger, args.detector, labels, triplets, args.pictures)
    with TemporaryDirectory() as temporary, Progress() as progress:
        work = Path(temporary) if args.work is None else args.work
        look_in_shards(task, work, args.processes, args.part, progress)
        if only_look:
            print(f"part {args.part[0]} of {args.part[1]} is in {printable(str(work))}")
            return 0
        looks = read_shards(task, work)
    _report(args, task, looks, planted)
    return 0


def _report(args: argparse.Namespace, task: LookTask, looks: RegionLooks, planted: frozenset[Pair] | None) -> None:
    """Strike out, write what was asked for, and print."""
    from ram.training.data_engine.cleaning_report import write_report
    from ram.training.data_engine.planted_errors import recovery
    from ram.training.data_engine.region_cleaning import CleaningRules, counts, strike_out, without_struck

    rules = CleaningRules(args.outlying, args.clusters, args.least, args.of_threshold, args.seen_over)
    struck = strike_out(looks, task.labels, task.tagger.bank.vocabulary, rules)
    table = counts(task.triplets, task.labels, struck)
    if args.output is not None:
        write_json(args.output, list(without_struck(task.triplets, struck)))
    if args.counts is not None:
        write_table(args.counts, list(table[0]), (row.values() for row in table))
    if looks.unreadable:
        say(printable(f"{len(looks.unreadable)} pictures are unchanged, such as: {looks.unreadable[0]}"))
    report = {
        "model": task.tagger.name,
        "detector": task.detector,
        "judged": len(set(looks.pairs)),
        "outlying": len(struck.outlying),
        "unseen": len(struck.unseen),
        "struck_out": len(struck.pairs),
        "unreadable": list(looks.unreadable),
    }
    summary = (
        f"{report['judged']} tags of {len(task.triplets)} pictures judged, {report['struck_out']} struck out: "
        f"{report['outlying']} outlying, {report['unseen']} not seen"
    )
    if args.report is not None:
        page = write_report(args.report, summary, task.triplets, task.labels, looks, struck, args.pictures)
        say(printable(f"the report is {page}"))
    found = None if planted is None else recovery(struck.pairs, planted, looks.pairs)
    if args.json:
        print_json({**report, "planted": None if found is None else dataclasses.asdict(found), "per_tag": table})
        return
    print(summary)
    if found is not None:
        print(
            f"{found.planted} planted errors: recall {found.recall:.3f}, precision {found.precision:.3f} "
            f"(by chance {found.chance:.3f})"
        )
    rows = [[str(value) for value in row.values()] for row in table[:MOST_SHOWN]]
    print_table([list(table[0]), *rows])


def _part(text: str) -> tuple[int, int]:
    """Read "2/4"."""
    number, _, parts = text.partition("/")
    if not (number.isdecimal() and parts.isdecimal() and 1 <= int(number) <= int(parts)):
        raise argparse.ArgumentTypeError(f"{text!r} is no part such as 2/4")
    return int(number), int(parts)
