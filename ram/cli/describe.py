"""``ram describe``: what categories look like, sentence by sentence as they come."""

from __future__ import annotations

import argparse

from ram.cli.options import (
    add_describer_options,
    add_json_option,
    describe_all,
    open_describer,
    open_fallback,
)
from ram.cli.terminal import print_json, printable, say
from ram.describers import Notice, describe_with_fallback
from ram.descriptions import parse_categories


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "describe",
        help="say what categories look like",
        description="Say what categories look like, in the sentences that a tagger compares pictures with.",
        epilog='example: ram describe corgi "meteor shower" --describer template',
    )
    parser.add_argument("tags", nargs="+", metavar="TAG", help="a category; quote one of several words")
    add_describer_options(parser)
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    tags = parse_categories("\n".join(args.tags))
    if args.json:
        print_json(describe_all(args, tags).to_json())
        return 0
    describer = open_describer(args)
    fallback = open_fallback(describer)
    for tag in tags:
        print(printable(tag), flush=True)
        for part in describe_with_fallback(describer, fallback, tag):
            if isinstance(part, Notice):
                say(part.text)
            else:
                print(f"  {printable(part.text)}", flush=True)
    return 0
