"""``ram library add``: keep the looks and tags of a folder of photos, for `ram search` and `ram retag`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ram.cli.options import add_device_options, add_json_option, add_model_option, open_tagger
from ram.cli.terminal import Progress, print_table, printable, say
from ram.errors import InputError

if TYPE_CHECKING:
    from ram.library.photo_library import FoundPhoto, PhotoLibrary


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "library",
        help="keep the looks of a folder of photos",
        description="Look at the photos of a folder once and keep their looks and tags, 8 to 25 KB a photo, in a "
        "hidden folder there. Photos that are new or changed since are added, those that are gone are forgotten; "
        "after a stop the same command goes on.",
        epilog="example: ram library add photos/",
    )
    parser.add_argument("action", choices=("add",), help="add: take up the photos of the folder")
    add_library_options(parser)
    add_device_options(parser)
    parser.set_defaults(run=run)


def add_library_options(parser: argparse.ArgumentParser) -> None:
    """Add the folder, --library and --model."""
    parser.add_argument("folder", metavar="FOLDER", help="a folder of photos")
    parser.add_argument(
        "--library", type=Path, metavar="DIR", help="where the looks are kept, if not in the hidden folder FOLDER/.ram"
    )
    add_model_option(parser)


@contextmanager
def opened_library(args: argparse.Namespace, new: bool = False) -> Iterator[PhotoLibrary]:
    """The library of the flags; a new one where there may be one.

    Raises:
        InputError: there is no library.
    """
    from ram.library.photo_library import HOME, PhotoLibrary

    folder = Path(args.folder)
    home = args.library or folder / HOME
    if not new and folder.is_dir() and not home.is_dir():
        raise InputError(f"there are no looks of {args.folder}: run `ram library add` first")
    tagger = open_tagger(args, args.model)

    with closing(PhotoLibrary(args.folder, tagger, args.library)) as library:
        yield library


def add_found_options(parser: argparse.ArgumentParser) -> None:
    """Add what the printing of found photos takes."""
    add_json_option(parser)
    add_device_options(parser)


def print_found(found: Sequence[FoundPhoto]) -> None:
    """Print found photos as a table, the best first."""
    if found:
        print_table([(f"{photo.score:.3f}", str(photo.path)) for photo in found], ">")


def found_json(found: Sequence[FoundPhoto]) -> list[dict[str, Any]]:
    """Found photos as plain values, the best first."""
    return [{"image": str(photo.path), "score": round(photo.score, 6)} for photo in found]


def say_faults(faults: Iterable[tuple[Path, str]]) -> None:
    """Print a line on each photo that cannot be used, with the reason."""
    for photo, reason in faults:
        say(printable(f"  {reason}" if str(photo) in reason else f"  {photo}: {reason}"))


def run(args: argparse.Namespace) -> int:
    with opened_library(args, new=True) as library:
        with Progress() as progress:
            added = library.add(progress)
        say_faults(added.faults)
        unread = f", {len(added.faults)} could not be read" if added.faults else ""
        gone = f", {added.gone} that are gone are forgotten" if added.gone else ""
        has = f"the library has {len(library)}, with {len(library.tags)} tags"
        say(f"{added.photos} photos are added{unread}{gone}; {has}")
    return 2 if added.faults else 0
