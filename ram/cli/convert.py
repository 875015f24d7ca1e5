"""``ram convert``: turn an official checkpoint into a model folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from ram.checkpoints.registry import PUBLISHED
from ram.cli.terminal import Progress, printable, say
from ram.errors import InputError
from ram.text.descriptions import TagDescriptions
from ram.text.files import read_lines
from ram.text.vocabulary import UNSEEN_THRESHOLD, TagVocabulary, make_unique


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "convert",
        help="turn an official checkpoint into a model folder",
        description="Turn an official RAM, RAM++ or Tag2Text checkpoint into a model folder that --model takes.",
        epilog="Without --tags and --descriptions the official lists of the variant are fetched: names, thresholds and "
        "descriptions. A repeated name gets a number: train, train (2).",
    )
    parser.add_argument("official", type=Path, metavar="OFFICIAL.pth", help="the downloaded checkpoint")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the model folder to write")
    parser.add_argument(
        "--variant", required=True, choices=list(PUBLISHED), metavar="V", help=", ".join(PUBLISHED)
    )
    parser.add_argument(
        "--tags", type=Path, metavar="TXT", help="one tag per line, in official order (those of --descriptions)"
    )
    parser.add_argument(
        "--thresholds",
        type=Path,
        metavar="TXT",
        help=f"one threshold per line, in the same order ({UNSEEN_THRESHOLD} each)",
    )
    parser.add_argument("--descriptions", type=Path, metavar="JSON", help="descriptions in the official form")
    parser.add_argument(
        "--offline", action="store_true", help="fetch nothing; tags without given names are numbered"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    descriptions = TagDescriptions.load(args.descriptions) if args.descriptions is not None else None
    vocabulary = _vocabulary(args.tags, args.thresholds, descriptions)
    with Progress() as progress:
        if vocabulary is None and not args.offline and args.official.is_file():
            vocabulary, descriptions = _official(args.variant, progress)
        progress(f"converting {args.official.name}", 0, 1)
        from ram.checkpoints.official import convert_official

        folder = convert_official(
            args.official, args.folder, variant=args.variant, vocabulary=vocabulary, descriptions=descriptions
        )
    print(f"{args.variant} is in {printable(str(folder))}")
    return 0


def _official(variant: str, progress: Progress) -> tuple[TagVocabulary | None, TagDescriptions | None]:
    """Fetch the official lists; (None, None) where they cannot be fetched, and tags are numbered."""
    from ram.checkpoints.published import fetch_lists
    from ram.errors import DownloadError
    from ram.runtime import cache_folder

    try:
        return fetch_lists(variant, cache_folder() / "downloads", progress)
    except DownloadError as error:
        say(printable(f"tags are numbered, each with threshold {UNSEEN_THRESHOLD}: {error}"))
        return None, None


def _vocabulary(
    tags: Path | None, thresholds: Path | None, descriptions: TagDescriptions | None
) -> TagVocabulary | None:
    if tags is not None:
        names = make_unique(read_lines(tags))
    elif descriptions is not None:
        names = descriptions.tags
    elif thresholds is not None:
        raise InputError("--thresholds needs the tags they belong to: give --tags or --descriptions")
    else:
        return None
    if thresholds is None:
        return TagVocabulary.of(names)
    return TagVocabulary(names, read_numbers(thresholds))


def read_numbers(path: Path) -> tuple[float, ...]:
    """Read the numbers of a text file, one per line.

    Raises:
        InputError: the file cannot be read, or a line is not a number.
    """
    try:
        return tuple(map(float, read_lines(path)))
    except ValueError as error:
        raise InputError(f"{path.name} must have one number per line: {error}") from None
