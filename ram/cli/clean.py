"""``ram clean``: strike out wrong tags of training triplets by the regions that show them."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
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
    from ram.tagger import Tagger
    from ram.training.data_engine.detectors import Detector

MOST_SHOWN = 20
"""Tags that are printed; a table in a file has all of them."""


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "clean",
        help="strike out wrong tags of training triplets",
        description="Look at the region of every tag of training triplets. Strike out the tags whose regions are "
        "unlike those of other pictures with the tag (farthest from the centres of K-means++ clusters), and the tags "
        "that the model does not recognize in their regions. Tags that the model does not know stay.",
        epilog="example: ram clean more.json --pictures photos --output clean.json --seen-over 0.02",
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
        "--seen-over",
        type=fraction,
        metavar="T",
        help="probability over which a region is recognized; 0 switches this off (each tag's own threshold)",
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
    if (args.output is None) == (args.plant_errors is None):
        raise InputError("give either --output FILE or --plant-errors SHARE")
    for path, suffixes in ((args.output, (".json",)), (args.counts, (".csv",))):
        if path is not None:
            check_writable(path, suffixes)
    from ram.training.data_engine.planted_errors import plant_errors, recovery
    from ram.training.data_engine.region_cleaning import (
        CleaningRules,
        counts,
        look_at_regions,
        strike_out,
        without_struck,
    )

    rules = CleaningRules(args.outlying, args.clusters, args.least, args.seen_over)
    labels = read_labels(args.labels)
    triplets, planted = read_triplets(args.triplets, len(labels)), None
    tagger = open_tagger(args, args.model)
    if args.plant_errors is not None:
        known = [id_ for id_, tag in enumerate(labels.tags) if tag in tagger.bank.vocabulary]
        triplets, planted = plant_errors(triplets, known, args.plant_errors, args.seed)
    detector = _detector(args.detector, tagger)
    with Progress() as progress:
        looks = look_at_regions(tagger, detector, labels, triplets, args.pictures, progress)
    struck = strike_out(looks, labels, tagger, rules)
    table = counts(triplets, labels, struck)
    if args.output is not None:
        write_json(args.output, list(without_struck(triplets, struck)))
    if args.counts is not None:
        write_table(args.counts, list(table[0]), (row.values() for row in table))
    if looks.unreadable:
        say(printable(f"{len(looks.unreadable)} pictures are unchanged, such as: {looks.unreadable[0]}"))
    report = {
        "model": tagger.name,
        "detector": detector.name,
        "judged": len(set(looks.pairs)),
        "outlying": len(struck.outlying),
        "unseen": len(struck.unseen),
        "struck_out": len(struck.pairs),
        "unreadable": list(looks.unreadable),
    }
    found = None if planted is None else recovery(struck.pairs, planted, looks.pairs)
    if args.json:
        print_json({**report, "planted": None if found is None else dataclasses.asdict(found), "per_tag": table})
        return 0
    print(
        f"{report['judged']} tags of {len(triplets)} pictures judged, {report['struck_out']} struck out: "
        f"{report['outlying']} outlying, {report['unseen']} not seen"
    )
    if found is not None:
        print(
            f"{found.planted} planted errors: recall {found.recall:.3f}, precision {found.precision:.3f} "
            f"(by chance {found.chance:.3f})"
        )
    rows = [[str(value) for value in row.values()] for row in table[:MOST_SHOWN]]
    print_table([list(table[0]), *rows])
    return 0


def _detector(name: str, tagger: Tagger) -> Detector:
    if name == "attention":
        from ram.training.data_engine.detectors import AttentionDetector

        return AttentionDetector(tagger)
    from ram.training.data_engine.grounding_dino import load_grounding_dino

    return load_grounding_dino(name, tagger.device)
