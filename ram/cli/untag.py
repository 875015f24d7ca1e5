"""``ram untag``: take the tags that `ram tag` wrote out of sidecars and photos; all else in them stays."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Protocol

from ram.cli.picture_run import PictureRun, add_pictures_argument
from ram.cli.terminal import printable, say
from ram.errors import ImageError, InputError
from ram.export.formats import TAGS


class _Undoes(Protocol):
    @property
    def written(self) -> int: ...

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
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ram.library.folder_lock import locked
    from ram.library.sidecars import Sidecars

    places: dict[str, _Undoes] = {"sidecars": Sidecars(dry=args.dry_run)}
    if args.embedded:
        from ram.library.embedded import EmbeddedTags

        places["photos"] = EmbeddedTags(dry=args.dry_run)
    run = PictureRun(TAGS, args.pictures)
    with run.stoppable(goes_on=True), locked(args.pictures):
        run.follow((picture, _undo(picture, places, args.dry_run)) for picture in run.pictures)
    for place, undoes in places.items():
        would = "would be" if args.dry_run else "are"
        say(f"the tags of {undoes.written} {place} {would} taken out")
    return run.exit_code()


def _undo(picture: Path, places: dict[str, _Undoes], dry: bool) -> ImageError | None:
    faults = []
    for place, undoes in places.items():
        try:
            if (tags := undoes.undo(picture)) and dry:
                print(printable(f"{picture}, {place}: {', '.join(tags)}"))
        except InputError as error:
            faults.append(str(error))
    return ImageError("; ".join(faults)) if faults else None
