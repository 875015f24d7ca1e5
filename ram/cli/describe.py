"""``ram describe``: describe categories, typed or from a file."""

from __future__ import annotations

import argparse
from pathlib import Path

from ram.cli.listing import add_skip_option, describe_list, reporter
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
from ram.errors import InputError
from ram.text.descriptions import TagDescriptions
from ram.text.names import parse_categories
from ram.text.tag_lists import read_tag_list


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "describe",
        help="describe what categories look like",
        description="Describe what categories look like, in sentences that a tagger compares with pictures. For typed "
        "categories the lexicon takes over where the describer fails. A file of categories stops there; finished "
        "sentences of a language model are cached, and the same command resumes.",
        epilog='examples: ram describe corgi "meteor shower" --describer template; '
        "ram describe --file tags.txt --describer openai -o descriptions.json",
    )
    parser.add_argument("tags", nargs="*", metavar="TAG", help="a category; quote one of several words")
    parser.add_argument("--file", type=Path, metavar="TXT", help="a file with one category per line")
    add_skip_option(parser)
    add_describer_options(parser)
    add_json_option(parser)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="JSON", help="write the official form: [{tag: [sentence, ...]}, ...]"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if bool(args.tags) == (args.file is not None):
        raise InputError("give either categories or --file")
    if args.output is not None:
        check_writable(args.output, (".json",))
    if args.file is None and args.output is None and not args.json:
        return _stream(args)
    if args.file is not None:
        descriptions = describe_list(args, read_tag_list(args.file, reporter(args)))
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
