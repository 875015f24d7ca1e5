"""``ram card``: write the model card of a model folder from its report and from what is measured on it."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from ram.cli.options import add_device_options, open_tagger
from ram.cli.terminal import printable
from ram.errors import InputError


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "card",
        help="write the model card of a model folder",
        description="Write README.md and report.json of a model folder. The head of the card has the measured size, "
        "operations and thresholds, and the scores of --results; the text of a card that is there stays.",
        epilog="example: ram evaluate DATASET --model FOLDER --json > test.json, then "
        "ram card FOLDER --results test.json --license apache-2.0",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the model folder")
    parser.add_argument(
        "--results",
        type=Path,
        nargs="+",
        metavar="JSON",
        help="what `ram evaluate --json` printed, in place of the results of the report",
    )
    parser.add_argument("--license", metavar="ID", help="licence by its identifier on the hub, such as apache-2.0")
    parser.add_argument("--data", metavar="TEXT", help="the training data, in a sentence or two")
    parser.add_argument("--base-model", metavar="NAME", help="hub name of the model that it was made from")
    add_device_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ram.hub.model_card import CARD, Measurement, write_card
    from ram.text.files import read_json

    if not args.folder.is_dir():
        raise InputError(f"{args.folder} is no model folder: name one that `ram train` or `ram convert` wrote")
    tagger = open_tagger(args, str(args.folder))
    given = {name: getattr(args, name) for name in ("license", "data", "base_model")}
    report = replace(tagger.report, **{name: value for name, value in given.items() if value is not None})
    if args.results is not None:
        printed = [read_json(file) for file in args.results]
        if not all(isinstance(one, dict) for one in printed):
            raise InputError("--results takes what `ram evaluate --json` printed, one document a file")
        report = replace(report, results=tuple(map(Measurement.of_evaluation, printed)))
    write_card(args.folder, tagger, report)
    print(f"{printable(str(args.folder / CARD))} has {len(report.results)} measurements")
    return 0
