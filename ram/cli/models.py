"""``ram models``: list the names that ``--model`` accepts."""

from __future__ import annotations

import argparse
import dataclasses

from ram.cli.options import add_json_option
from ram.cli.terminal import print_json, print_table


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("models", help="list the models", description="List the models.")
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ram.checkpoints.registry import model_entries

    entries = model_entries()
    if args.json:
        print_json([dataclasses.asdict(entry) for entry in entries])
    else:
        print_table([(entry.name, entry.source, entry.summary) for entry in entries], indent="")
    return 0
