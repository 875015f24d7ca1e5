"""What a person reads: aligned tables, small bars, one progress line; and JSON for everyone else."""

from __future__ import annotations

import json
import math
import shutil
import sys
import time
import unicodedata
from collections.abc import Sequence
from types import TracebackType
from typing import Any

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_CLEAR_LINE = "\r\x1b[K"


def say(text: str) -> None:
    """One line on standard error, in place of a progress line that may stand there."""
    print(f"{_CLEAR_LINE if sys.stderr.isatty() else ''}{text}", file=sys.stderr, flush=True)


def print_json(document: Any) -> None:
    """One JSON document on standard output; plain ASCII where the output cannot hold more."""
    ascii_only = (sys.stdout.encoding or "ascii").lower().replace("-", "") != "utf8"
    print(json.dumps(document, ensure_ascii=ascii_only, indent=1))


def print_table(rows: Sequence[Sequence[str]], align: str = "", indent: str = "  ") -> None:
    """Rows with their columns under each other; empty columns vanish, and a terminal's edge cuts the last one.

    Args:
        rows: equally long; every cell is made printable.
        align: "<" or ">" for each column; missing ones are "<".
        indent: before every row.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    for row in cells:
        line = indent
        for cell, width, side in zip(row[:-1], widths, align.ljust(len(widths), "<"), strict=False):
            gap = " " * (width - _width(cell))
            line += (gap + cell if side == ">" else cell + gap) + "  " * (width > 0)
        print((line + shorten(row[-1], max(room - _width(line), 8))).rstrip())


def bar(share: float, width: int = 10) -> str:
    """A share of 0..1 as a bar, where standard output is a terminal; "" elsewhere."""
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
    """Text that cannot steer a terminal: control characters and line ends become "?"."""
    return "".join(character if character.isprintable() else "?" for character in text)


def shorten(text: str, room: int) -> str:
    """At most ``room`` columns of a text, with an ellipsis where it was cut."""
    if _width(text) <= room:
        return text
    kept = ""
    for character in text:
        if _width(kept + character) >= room:
            break
        kept += character
    return f"{kept.rstrip()}…"


class Progress:
    """A line on standard error that rewrites itself; silent where nobody is watching.

    Use it as a context, which removes the line at the end. Called with what is being done, how much is done,
    and how much there is, as training does.
    """

    def __init__(self, shown: bool = True) -> None:
        self._shown = shown and sys.stderr.isatty()
        self._what = ""
        self._began, self._started, self._last = 0, 0.0, -math.inf

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if what != self._what:
            self._what, self._began, self._started, self._last = what, done, now, -math.inf
        if not self._shown or (now - self._last < 0.1 and done < total):
            return
        self._last = now
        line = f"{printable(what)} {done}/{total}" if total > 1 else f"{printable(what)} ..."
        if self._began < done < total:  # what was done before the first call took nobody knows how long
            line += f", {_time((now - self._started) / (done - self._began) * (total - done))} left"
        sys.stderr.write(_CLEAR_LINE + shorten(line, shutil.get_terminal_size().columns - 1))
        sys.stderr.flush()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            sys.stderr.write(_CLEAR_LINE)
            sys.stderr.flush()


def _time(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"


def _width(text: str) -> int:
    """Columns a text takes: two for East Asian wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)
