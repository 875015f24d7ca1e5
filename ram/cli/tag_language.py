"""``--language``: the names of tags in another language, on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Collection

from ram.cli.listing import named_first
from ram.cli.terminal import printable, say
from ram.labels.tag_names import ENGLISH, LANGUAGES, TagNames, load_names


def add_language_option(parser: argparse.ArgumentParser, what: str) -> None:
    """Add --language; ``what`` begins its help."""
    known = ", ".join(f"{code} {name}" for code, name in LANGUAGES.items())
    parser.add_argument(
        "--language",
        choices=(ENGLISH, *LANGUAGES),
        metavar="CODE",
        help=f"{what}: {known}; a tag without one keeps its English name, and a line says which those are",
    )


def given_names(args: argparse.Namespace) -> TagNames:
    """The names of tags in the language of --language; none without it."""
    return load_names(args.language or ENGLISH)


def is_translated(args: argparse.Namespace) -> bool:
    """Whether --language names another language than that of the tags."""
    return args.language not in (None, ENGLISH)


def say_without_names(tags: Collection[str], args: argparse.Namespace) -> None:
    """Print a line on tags that have no name in the language of --language."""
    if not tags or not is_translated(args):
        return
    say(printable(f"without a name in {LANGUAGES[args.language]}, so in English: {named_first(tags)}"))
