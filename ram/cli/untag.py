"""``ram untag``: take the tags that `ram tag` wrote out of sidecars and photos; all else in them stays."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Protocol

from ram.cli.picture_run import PictureRun, add_pictures_argument, add_unreadable_option
from ram.cli.terminal import printable, say
from ram.errors import ImageError
from ram.export.formats import RecordKind
from ram.library.photo_faults import gathered


class _Undoes(Protocol):
    def undo(self, photo: Path, /) -> tuple[str, ...]: ...


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "untag",
        help="take the tags of `ram tag` out again",
        description="Take the tags that `ram tag --sidecars` wrote out of the sidecars. All else stays; a sidecar that "
        "no other program has changed since is as it was before, and one that was made for the tags is removed.",
        epilog="example: ram untag photos/ --embedded --dry-run",
    )
    add_pictures_argument(parser)
    parser.add_argument("--embedded", action="store_true", help="take those of --embed out of the photos, too")
    parser.add_argument("--dry-run", action="store_true", help="print what would be taken out, and write nothing")
    add_unreadable_option(parser, within="a folder")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ram.library.folder_lock import locked
    from ram.library.sidecars import Sidecars

    places: dict[str, _Undoes] = {"sidecars": Sidecars(dry=args.dry_run)}
    if args.embedded:
        from ram.library.embedded import EmbeddedTags

        places["photos"] = EmbeddedTags(dry=args.dry_run)
    run = PictureRun(RecordKind("tags", "untag"), args.pictures, None, args.unreadable, within=not args.dry_run)
    undone = Counter(dict.fromkeys(places, 0))
    with locked(args.pictures), run.stoppable(goes_on=True):
        run.follow((picture, _undo(picture, places, undone, args.dry_run)) for picture in run.pictures)
    for place, count in undone.items():
        would = "would be" if args.dry_run else "are"
        say(f"the tags of {count} {place} {would} taken out")
    return run.exit_code()


def _undo(picture: Path, places: dict[str, _Undoes], undone: Counter[str], dry: bool) -> ImageError | None:
    """Take the tags of a picture out of all places, and count them; return why that cannot be done."""
    faults: list[str] = []
    for place, undoes in places.items():
        with gathered(picture, faults):
            tags = undoes.undo(picture)
            undone[place] += bool(tags)
            if tags and dry:
                print(printable(f"{picture}, {place}: {', '.join(tags)}"))
    return ImageError("; ".join(faults)) if faults else None
