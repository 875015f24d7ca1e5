"""Run of a command over many pictures: those to do, those that a file holds already, those that cannot be read."""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ram.cli.options import check_writable
from ram.cli.terminal import printable, say
from ram.errors import ImageError, InputError
from ram.export.fault_list import read_faults, save_faults
from ram.export.formats import EXCEL_CSV, PLAIN_CSV, Record, RecordKind, Report
from ram.export.result_files import ResultFile

MAX_LISTED_FAILURES = 20
"""Unreadable pictures that are listed by name."""
LIST_WITHIN = "unreadable.csv"
"""List of the unreadable pictures within a folder whose tags are written there, too."""


def add_pictures_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "pictures", nargs="+", metavar="PICTURE", help="a picture, a folder of pictures, or a pattern such as *.jpg"
    )


def add_output_options(parser: argparse.ArgumentParser, formats: str) -> None:
    """Add --output, --overwrite and --excel; ``formats`` names the endings in the help text."""
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help=f"write {formats}. A file that exists is continued: pictures that it holds are skipped, the others are "
        "added",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace --output instead of continuing it")
    parser.add_argument(
        "--excel",
        choices=tuple(EXCEL_CSV),
        help="write .csv for Excel; semicolon where your system separates lists by semicolons and writes 0,5",
    )


def add_unreadable_option(parser: argparse.ArgumentParser, example: str = "", within: str = "") -> None:
    """Add --unreadable.

    Args:
        parser: of the command.
        example: an --output file without its ending, where the command has that flag.
        within: what has a list within its folder, where the command writes to one.
    """
    places = ["write the pictures that cannot be read, with the reasons, to this .csv"]
    places += [f"with --output {example}.jsonl they are in {example}.unreadable.csv"] if example else []
    places += [f"those of {within} are otherwise in its {LIST_WITHIN}"] if within else []
    parser.add_argument("--unreadable", type=Path, metavar="FILE", help="; ".join(places))


def open_results(
    args: argparse.Namespace,
    suffixes: tuple[str, ...],
    kind: RecordKind,
    columns: tuple[str, ...],
    overwrites: bool = False,
) -> ResultFile | None:
    """Return the file of --output, checked before any work is done; None without the flag.

    Args:
        args: of :func:`add_output_options`.
        suffixes: endings that may be written.
        kind: of its records.
        columns: of a new CSV file.
        overwrites: whether --overwrite has something else to replace.

    Raises:
        InputError: the file cannot be written or continued, or a flag lacks --output.
    """
    if args.output is None:
        if args.overwrite and not overwrites:
            raise InputError("--overwrite needs --output: name the file to replace")
    else:
        check_writable(args.output, suffixes)
    if args.excel is not None and (args.output is None or args.output.suffix.lower() != ".csv"):
        raise InputError("--excel needs --output FILE.csv: name the file")
    if args.output is None:
        return None
    form = EXCEL_CSV[args.excel] if args.excel else PLAIN_CSV
    return ResultFile(args.output, replace(form, columns=columns), args.overwrite, kind)


class PictureRun:
    """Pictures that the arguments of a command name; ``done`` and ``failures`` grow as it works.

    Args:
        kind: of the records that the command writes.
        paths: arguments: pictures, folders and patterns.
        output: where the results go, if to a file.
        unreadable: list of the unreadable pictures; beside ``output`` where None.
        within: without both, the list is within the folder, where ``paths`` is one folder that can be written.

    Raises:
        InputError: the list cannot be written.
    """

    def __init__(
        self,
        kind: RecordKind,
        paths: Sequence[str],
        output: Path | None = None,
        unreadable: Path | None = None,
        within: bool = False,
    ) -> None:
        self._kind, self._paths = kind, paths
        self._command = f"ram {kind.command}"
        self._unreadable = unreadable or (output and output.with_suffix(".unreadable.csv"))
        if self._unreadable is not None:
            check_writable(self._unreadable, (".csv",))
            read_faults(self._unreadable)
        self._is_within = self._unreadable is None and within
        if self._is_within:
            self._unreadable = _list_within(paths)
        self.pictures, self.failures = _find(paths)
        self.done: list[Path] = []
        self._sound: set[Path] = set()

    @property
    def _total(self) -> int:
        found = set(map(str, self.pictures))
        return len(found) + sum(path not in found for path, _ in self.failures)

    @property
    def coming(self) -> list[Path]:
        """Pictures that are not done, in order."""
        done = set(self.done)
        return [picture for picture in self.pictures if picture not in done]

    def rounds(self, watch: float | None = None) -> Iterator[Sequence[Path]]:
        """The pictures that are not done; with seconds between two looks, also those that come until Ctrl-C."""
        yield self.coming
        if watch is None:
            return
        from ram.library.watching import new_photos

        say(f"{self._command}: looks for new pictures every {watch} s; Ctrl-C ends it")
        self.failures = [(path, reason) for path, reason in self.failures if not os.path.isdir(path)]
        failed = {path for path, _ in self.failures}
        self._sound = {picture for picture in self.done if str(picture) not in failed}
        for pictures in new_photos(self._paths, lambda picture: picture in self._sound, watch):
            fresh, known = set(pictures), set(self.pictures)
            self.failures = [(path, reason) for path, reason in self.failures if Path(path) not in fresh]
            self.pictures += [picture for picture in pictures if picture not in known]
            yield pictures

    def skip_written(self, results: ResultFile) -> None:
        """Count the pictures that the file holds already as done, with a line on what it holds."""
        self.done = [picture for picture in self.pictures if picture in results]
        name = printable(results.path.name)
        if self.done:
            say(
                f"{len(self.done)} of {len(self.pictures)} pictures are in {name} already "
                f"(--overwrite {self._kind.command}s them again)"
            )
        if others := len(results) - len(self.done):
            say(f"{name} holds {others} other pictures: the new ones are added")

    def follow(self, reported: Iterable[tuple[Path, ImageError | None]]) -> None:
        """Count pictures as they are reported, each with the reason if it cannot be used."""
        for picture, fault in reported:
            self.done.append(picture)
            if fault is None:
                self._sound.add(picture)
            else:
                self.failures.append((str(picture), str(fault)))

    @contextmanager
    def stoppable(self, goes_on: bool) -> Iterator[None]:
        """Save the list of unreadable pictures at the end, and say how far a stopped run got.

        Args:
            goes_on: whether the same command goes on after a stop.
        """
        try:
            yield
        except KeyboardInterrupt:
            go_on = "; run the same command again to go on" if goes_on else ""
            say(f"{self._command}: stopped after {len(self.done)} of {len(self.pictures)} pictures{go_on}")
            raise
        finally:
            self._save_list()

    def _save_list(self) -> None:
        """Save the list; one that was not asked for is left out where there is no picture, or it cannot be saved."""
        if self._unreadable is None:
            return
        if not self._is_within:
            save_faults(self._unreadable, self.failures, self.done)
            return
        try:
            gone = [image for image, _ in read_faults(self._unreadable) if not os.path.lexists(image)]
            if self.pictures:
                save_faults(self._unreadable, self.failures, [*self.done, *gone])
                return
        except (OSError, InputError):
            pass
        self._unreadable = None

    def say_written(self, path: Path) -> None:
        """Print a line on how many pictures are in the file."""
        if self.pictures:
            say(f"{self._total - len(self.failures)} of {self._total} pictures are in {printable(str(path))}")

    def exit_code(self) -> int:
        """List the pictures that could not be read; 2 where there are some, else 0."""
        if not self.failures:
            return 0
        if self._total == 1:
            say(f"{self._command}: {printable(self.failures[0][1])}")
            if self._is_within and self._unreadable is not None:
                say(printable(f"  it is listed in {self._unreadable}"))
            return 2
        say(f"{self._command}: {len(self.failures)} of {self._total} pictures could not be read:")
        for path, reason in self.failures[:MAX_LISTED_FAILURES]:
            say(printable(f"  {reason}" if path in reason else f"  {path}: {reason}"))
        if len(self.failures) > MAX_LISTED_FAILURES:
            where = "--unreadable FILE lists all" if self._unreadable is None else f"all are in {self._unreadable}"
            say(printable(f"  and {len(self.failures) - MAX_LISTED_FAILURES} more; {where}"))
        elif self._unreadable is not None:
            say(printable(f"  they are listed in {self._unreadable}"))
        return 2


@contextmanager
def reporting(reports: Sequence[Report]) -> Iterator[Callable[[Record], None]]:
    """Give the function that adds a record to all reports; a run that is stopped leaves what is done."""
    is_whole, added = False, 0

    def add(record: Record) -> None:
        nonlocal added
        for report in reports:
            report.add(record)
        added += 1

    try:
        yield add
        is_whole = True
    finally:
        if is_whole or added:
            for report in reports:
                report.finish()


def _list_within(paths: Sequence[str]) -> Path | None:
    """The list within the only folder that is named; None where there is none, or it cannot be written."""
    if len(paths) != 1 or not os.path.isdir(paths[0]) or not os.access(paths[0], os.W_OK):
        return None
    listed = Path(paths[0]) / LIST_WITHIN
    try:
        check_writable(listed, (".csv",))
        read_faults(listed)
    except (OSError, InputError, csv.Error):  # another file of this name
        return None
    return listed


def _find(paths: Sequence[str]) -> tuple[list[Path], list[tuple[str, str]]]:
    """Return the pictures that the arguments name, and what cannot be used, each with the reason."""
    from ram.images.folders import search

    pictures: dict[Path, None] = {}
    failures = []
    for path in paths:
        try:
            found = search(path)
        except ImageError as error:
            failures.append((path, str(error)))
            continue
        for notice in found.notices():
            say(printable(f"{path}: {notice}"))
        pictures.update(dict.fromkeys(found.images))
        failures += [(str(folder), f"{folder.name} cannot be listed: {reason}") for folder, reason in found.unreadable]
    return list(pictures), failures
