"""``ram search``: find photos of a library by a sentence, by tags, or by another photo."""

from __future__ import annotations

import argparse
from typing import Any

from ram.cli.library import add_found_options, add_library_options, found_json, opened_library, print_found
from ram.cli.options import positive
from ram.cli.tag_language import add_language_option, given_names
from ram.cli.terminal import print_json, say
from ram.text.names import parse_categories


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "search",
        help="find photos of a library",
        description="Find photos of a library by a sentence, by tags, or by another photo. What is given together must "
        "hold together. `ram library add` makes the library.",
        epilog='example: ram search photos/ "a dog on a sofa" --without person',
    )
    add_library_options(parser)
    parser.add_argument("words", nargs="?", metavar="SENTENCE", help="what the photo shows, in English")
    parser.add_argument("--all", metavar="LIST", help='tags that a photo must have: "dog, sofa"')
    parser.add_argument("--any", metavar="LIST", help="tags of which it must have one")
    parser.add_argument("--without", metavar="LIST", help="tags that it must not have")
    parser.add_argument("--like", metavar="PHOTO", help="a photo that it must be like")
    parser.add_argument("--top", type=positive, default=20, metavar="K", help="how many are listed (%(default)s)")
    add_language_option(parser, "take the names of tags in this language, but the sentence in English")
    add_found_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    names = given_names(args)
    given = {name: parse_categories(text) for name in ("all", "any", "without") if (text := getattr(args, name))}
    tags: dict[str, Any] = {name: names.tags(ones) for name, ones in given.items()}
    with opened_library(args) as library:
        found = library.search(args.words, like=args.like, most=args.top, **tags)
        if not found:
            say("no photo is found")
        if args.json:
            print_json(found_json(found))
        else:
            print_found(found)
    return 0
