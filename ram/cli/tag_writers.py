"""Where `ram tag` writes the tags of a photo: a .txt, an XMP sidecar, the file of the photo itself."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

from ram.cli.terminal import printable, say
from ram.errors import ImageError, InputError
from ram.export.formats import Record
from ram.export.tag_files import EXISTING, TagFiles
from ram.labels.tag_names import TagNames
from ram.library.photo_faults import gathered
from ram.text.vocabulary import TagVocabulary


class TagWriter(Protocol):
    """Writes the tags of photos, beside or within them."""

    @property
    def written(self) -> int: ...

    def holds(self, photo: Path, model: str, /) -> bool: ...

    def add(self, photo: Path, record: Record, /) -> tuple[Path, tuple[str, ...]]: ...


def add_writer_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--txt",
        choices=EXISTING,
        help="write the tags of each picture into a .txt beside it, separated by commas; a .txt that exists is kept, "
        "gets the tags that it lacks, or is replaced",
    )
    parser.add_argument(
        "--sidecars",
        action="store_true",
        help="write the tags of each photo into an XMP file beside it, where photo programs read them; all else in it "
        "stays, and `ram untag` takes them out again; a photo that has its tags is skipped, except with --overwrite",
    )
    parser.add_argument(
        "--embed",
        action="store_true",
        help="write the tags into the files of the photos themselves, as XMP and IPTC keywords (.jpg, .png, .webp)",
    )
    parser.add_argument("--dry-run", action="store_true", help="print what would be written, and write nothing")


class TagWriters:
    """The places that the flags name.

    Args:
        args: of :func:`add_writer_options`.

    Raises:
        InputError: --dry-run is given without a place.
        MissingPackageError: a package is not installed.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self._dry, self._paths = args.dry_run, args.pictures
        self._paths_of_tags: Callable[[str], str] = str
        self._writers: dict[str, TagWriter] = {}
        options = {"listed": args.top is not None, "dry": args.dry_run}
        self._texts = TagFiles(args.txt, **options) if args.txt is not None else None
        if self._texts is not None:
            self._writers[".txt files {are} written beside the pictures"] = self._texts
        self._marking: list[TagWriter] = []
        if args.sidecars:
            from ram.library.sidecars import Sidecars

            self._marking.append(Sidecars(self._path_of, **options))
            self._writers["XMP sidecars {are} written beside the pictures"] = self._marking[-1]
        if args.embed:
            from ram.library.embedded import EmbeddedTags

            self._marking.append(EmbeddedTags(self._path_of, **options))
            self._writers["pictures {are} given their tags within"] = self._marking[-1]
        if args.dry_run and (not self._writers or args.output is not None):
            raise InputError("--dry-run is for --txt, --sidecars and --embed: name one of them, and no --output")

    def __bool__(self) -> bool:
        return bool(self._writers)

    @property
    def change(self) -> bool:
        """Whether files beside or within the folders of the photos are written."""
        return bool(self._writers) and not self._dry

    @property
    def marking(self) -> bool:
        """Whether a place tells which model tagged a photo."""
        return bool(self._marking)

    def hold(self, photo: Path, model: str, marking: bool = False) -> bool:
        """Whether all places, or only those that are ``marking``, have the tags of a photo already."""
        return all(writer.holds(photo, model) for writer in (self._marking if marking else self._writers.values()))

    def locked(self) -> AbstractContextManager[None]:
        """Keep other runs from writing tags beside or within photos of the same folders."""
        from ram.library.folder_lock import locked

        return locked(self._paths) if self.change else nullcontext()

    def use(self, vocabulary: TagVocabulary, names: TagNames) -> None:
        """Write each tag with its path, whose parts have these names; kinds are the vocabulary's where it has some."""
        from ram.library.tag_paths import TagPaths

        self._paths_of_tags = TagPaths(vocabulary, names)

    def add(self, photo: Path, record: Record) -> ImageError | None:
        """Write the tags of a photo everywhere; return why that cannot be done.

        Raises:
            OSError: the disk is full, for instance.
        """
        faults: list[str] = []
        for writer in self._writers.values():
            with gathered(photo, faults):
                path, tags = writer.add(photo, record)
                if self._dry:
                    print(printable(f"{path}: {', '.join(tags) or 'nothing to add'}"))
        return ImageError("; ".join(faults)) if faults else None

    def say_written(self) -> None:
        """Print a line on each place."""
        for what, writer in self._writers.items():
            kept = f", {self._texts.kept} that exist are kept" if self._texts is writer and self._texts.kept else ""
            done = what.format(are="would be" if self._dry else "are")
            say(f"{writer.written} {done}{kept}{'; this was a dry run' if self._dry else ''}")

    def _path_of(self, tag: str) -> str:
        return self._paths_of_tags(tag)
