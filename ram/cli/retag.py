"""``ram retag``: score kept looks for new categories, without looking at the photos again."""

from __future__ import annotations

import argparse

from ram.cli.library import add_found_options, add_library_options, found_json, opened_library, print_found, say_faults
from ram.cli.options import add_describer_options, describe_all, positive
from ram.cli.tag_language import add_language_option, given_names
from ram.cli.terminal import Progress, print_json, printable, say
from ram.text.names import parse_categories

SHOWN = 20
"""Photos that are printed of each category, the most probable ones."""


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "retag",
        help="score kept looks for new categories",
        description="Score the looks of a library for new categories, and keep those over 0.5 as tags of the photos. "
        "Without --exact only the photos nearest to a category are scored by the decoder.",
        epilog='example: ram retag photos/ --tags "velvet armchair" --sidecars',
    )
    add_library_options(parser)
    parser.add_argument("--tags", required=True, metavar="LIST", help='categories: "velvet armchair, kite"')
    exactness = parser.add_mutually_exclusive_group()
    exactness.add_argument("--exact", action="store_true", help="score every photo by the decoder")
    exactness.add_argument("--shortlist", type=positive, metavar="N", help="photos scored for each category (2000)")
    parser.add_argument("--sidecars", action="store_true", help="write all tags of the library into XMP sidecars")
    add_language_option(parser, "write the tags into sidecars by their names in this language")
    add_describer_options(parser)
    add_found_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    tags = parse_categories(args.tags)
    with opened_library(args) as library:
        from ram.library.photo_library import SHORTLIST

        own = library.tagger.bank.vocabulary
        known = tuple(dict.fromkeys(name for tag in tags if (name := own.find(tag)) is not None))
        bank = library.tagger.bank.select(known)
        if new := [tag for tag in tags if own.find(tag) is None]:
            bank = bank.join(library.tagger.embed(describe_all(args, new)))
        with Progress() as progress:
            found = library.retag(bank, None if args.exact else args.shortlist or SHORTLIST, progress)
        for tag, photos in found.items():
            say(printable(f"{tag}: {len(photos)} of {len(library)} photos"))
            if not args.json:
                print_found(photos[:SHOWN])
        if args.json:
            print_json({tag: found_json(photos[:SHOWN]) for tag, photos in found.items()})
        if args.sidecars:
            from ram.library.folder_lock import locked
            from ram.library.sidecars import Sidecars
            from ram.library.tag_paths import TagPaths

            names = given_names(args)
            writer = Sidecars(TagPaths(own, names))
            with locked([args.folder]):
                faults = library.write(writer, names)
            say(f"{writer.written} XMP sidecars are written beside the photos")
            if faults:
                say(f"ram retag: the tags of {len(faults)} of {len(library)} photos could not be written:")
                say_faults(faults)
                return 2
    return 0
