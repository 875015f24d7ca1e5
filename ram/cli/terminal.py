"""Terminal output: tables and progress for people (by rich), JSON for programs."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import JustifyMethod
    from rich.progress import Progress as RichProgress

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_GAP = "  "
_UNLIMITED = 100_000
"""Columns where the output is a file or a pipe: nothing is cut there."""


def say(text: str) -> None:
    """Print one line on standard error; a running progress bar stays below it."""
    print(text, file=sys.stderr, flush=True)


def print_json(document: Any) -> None:
    """Print one JSON document on standard output."""
    print(json_text(document))


def json_text(document: Any) -> str:
    """JSON for standard output, as ASCII where the output is not UTF-8."""
    ascii_only = (sys.stdout.encoding or "ascii").lower().replace("-", "") != "utf8"
    return json.dumps(document, ensure_ascii=ascii_only, indent=1)


def print_table(rows: Sequence[Sequence[str]], align: str = "", indent: str = "  ") -> None:
    """Print rows with aligned columns; empty columns are left out, and a terminal's edge cuts the last one.

    Args:
        rows: equally long; characters that could steer a terminal are replaced.
        align: "<" or ">" for each column; missing ones are "<".
        indent: printed before every row.
    """
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    columns = [tuple(map(printable, cells)) for cells in zip(*rows, strict=True)]
    filled = [index for index, column in enumerate(columns) if any(column)]
    widths = [max(map(cell_len, columns[index])) for index in filled]
    room = (shutil.get_terminal_size().columns if sys.stdout.isatty() else _UNLIMITED) - len(indent)
    widths[-1:] = [min(widths[-1], max(room - sum(widths[:-1]) - len(_GAP) * len(widths[:-1]), 8))]
    table = Table.grid(padding=(0, len(_GAP), 0, 0), pad_edge=False)
    for index, width in zip(filled, widths, strict=True):
        side: JustifyMethod = "right" if align[index : index + 1] == ">" else "left"
        table.add_column(justify=side, width=width, no_wrap=True, overflow="ellipsis")
    for row in zip(*(columns[index] for index in filled), strict=True):
        table.add_row(*map(Text, row))
    console = Console(width=_UNLIMITED, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(table)
    for line in capture.get().splitlines():
        print((indent + line).rstrip())


def bar(share: float, width: int = 10) -> str:
    """Draw a share in 0..1 as a bar where standard output is a terminal; "" elsewhere."""
    if not sys.stdout.isatty():
        return ""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    drawn = "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")
    try:
        drawn.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        drawn = "#" * round(eighths / 8)
    return drawn.ljust(width)


def printable(text: str) -> str:
    """Replace control characters and line ends by "?", so that no text can steer a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


class Progress:
    """A progress bar on standard error that disappears at the end; nothing where standard error is no terminal.

    A context manager and a progress callback (:data:`ram.runtime.Progress`): called with what is being done, how much
    of it is done, and how much there is.
    """

    def __init__(self, shown: bool = True) -> None:
        self._shown = shown
        self._bar: RichProgress | None = None
        self._what = ""

    def __call__(self, what: str, done: int, total: int) -> None:
        if self._bar is None:
            return
        counted = total > 1
        if what != self._what:
            for task in self._bar.task_ids:
                self._bar.remove_task(task)
            self._bar.add_task(printable(what), count="", total=None)
            self._what = what
        count = f"{done}/{total}" if counted else ""
        self._bar.update(self._bar.task_ids[0], completed=done, total=total if counted else None, count=count)

    def __enter__(self) -> Progress:
        if self._shown and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as RichProgress

            texts = (TextColumn(f"{{task.{field}}}", markup=False) for field in ("description", "fields[count]"))
            # where standard output is a pipe it is left alone: rich would send it to standard error
            self._bar = RichProgress(
                *texts,
                BarColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
                redirect_stdout=sys.stdout.isatty(),
            )
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
