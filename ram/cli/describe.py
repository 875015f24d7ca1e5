"""``ram describe``: what categories look like, sentence by sentence as they come, or a file of them."""

from __future__ import annotations

import argparse
from pathlib import Path

from ram.cli.listing import describe_list, read_tags
from ram.cli.options import (
    add_describer_options,
    add_json_option,
    check_writable,
    describe_all,
    open_describer,
    open_fallback,
)
from ram.cli.terminal import print_json, printable, say
from ram.describers.fallback import Notice, describe_with_fallback
from ram.text.descriptions import TagDescriptions, parse_categories


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "describe",
        help="say what categories look like",
        description="Say what categories look like, in the sentences that a tagger compares pictures with. Where the "
        "describer fails, the lexicon takes over for categories that are typed; a file stops there, and what a "
        "language model has said until then is kept: the same command goes on.",
        epilog='examples: ram describe corgi "meteor shower" --describer template; '
        "ram describe --file tags.txt --describer openai -o descriptions.json",
    )
    parser.add_argument("tags", nargs="*", metavar="TAG", help="a category; quote one of several words")
    parser.add_argument("--file", type=Path, metavar="TXT", help="a file with a category a line, as many as you like")
    add_describer_options(parser)
    add_json_option(parser)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="JSON", help="write the official form: [{tag: [sentence, ...]}, ...]"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if bool(args.tags) == (args.file is not None):
        raise ValueError("name categories, or a file of them with --file, and not both")
    if args.output is not None:
        check_writable(args.output, (".json",))
    if args.file is None and args.output is None and not args.json:
        return _stream(args)
    if args.file is not None:
        descriptions = describe_list(args, read_tags(args.file))
    else:
        descriptions = describe_all(args, parse_categories("\n".join(args.tags)))
    if args.output is not None:
        descriptions.save_official(args.output)
        say(f"{len(descriptions)} tags are described in {printable(str(args.output))}")
    if args.json:
        print_json(descriptions.to_json())
    elif args.output is None:
        _print(descriptions)
    return 0


def _stream(args: argparse.Namespace) -> int:
    describer = open_describer(args)
    fallback = open_fallback(describer)
    for tag in parse_categories("\n".join(args.tags)):
        print(printable(tag), flush=True)
        for part in describe_with_fallback(describer, fallback, tag):
            if isinstance(part, Notice):
                say(part.text)
            else:
                print(f"  {printable(part.text)}", flush=True)
    return 0


def _print(descriptions: TagDescriptions) -> None:
    for tag, sentences in descriptions.items():
        print(printable(tag))
        for sentence in sentences:
            print(f"  {printable(sentence)}")
