"""The table of results, printed line by line, as aligned text or in Markdown for docs/speed.md."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from benchmarks.gpu.bounded import Result

HEADING = ("measurement", "reference, ms", "ours, ms", "value", "goal", "", "memory, GB", "note")
WIDTHS = (58, 13, 10, 15, 15, 6, 10, 0)
RIGHT = (False, True, True, True, False, False, True, False)

LINE = 120
"""Characters of a line in docs/; a longer reason is cut there, and whole in the JSON file."""


class Table:
    """Prints results while they come.

    Args:
        markdown: as Markdown instead of aligned columns.
    """

    def __init__(self, markdown: bool) -> None:
        self._markdown = markdown

    def begin(self, machine: dict[str, Any]) -> None:
        """Print the machine and the heading."""
        known = {name.replace("_", " "): value for name, value in machine.items() if value is not None}
        card = known.pop("gpu", "no GPU")
        print(textwrap.fill(f"{card}; " + ", ".join(f"{name} {value}" for name, value in known.items()), LINE) + "\n")
        self._line(HEADING, RIGHT)
        if self._markdown:
            self._rule(RIGHT)

    def add(self, result: Result) -> None:
        """Print one result."""
        self._line(_cells(result), RIGHT)

    def curves(self, results: Sequence[Result]) -> None:
        """Print the curves as a table of seconds by number of categories."""
        curves = [result for result in results if result.points]
        if not curves:
            return
        counts = sorted({count for curve in curves for count in curve.points})
        right = (False, *(True for _ in counts))
        print()
        self._line(("categories", *(f"{count:,}" for count in counts)), right)
        if self._markdown:
            self._rule(right)
        for curve in curves:
            seconds = (f"{curve.points[count]:.3g}" if count in curve.points else "" for count in counts)
            self._line((f"{curve.what}, s", *seconds), right)

    def _line(self, cells: Sequence[str], right: Sequence[bool]) -> None:
        if self._markdown:
            print("| " + " | ".join(cells) + " |", flush=True)
            return
        widths = WIDTHS if len(cells) == len(WIDTHS) else (WIDTHS[0], *(9 for _ in cells[1:]))
        columns = zip(cells, widths, right, strict=True)
        print(
            "  ".join(cell.rjust(width) if last else cell.ljust(width) for cell, width, last in columns).rstrip(),
            flush=True,
        )

    def _rule(self, right: Sequence[bool]) -> None:
        print("|" + "|".join("---:" if one else "---" for one in right) + "|", flush=True)


def _cells(result: Result) -> tuple[str, ...]:
    if result.skipped:
        reason = textwrap.shorten(result.skipped, LINE - len(result.what) - 36, placeholder=" ...")
        return result.what, "", "", "not measured", "", "", "", reason
    return (
        result.what,
        "" if result.reference is None else _short(1000 * result.reference),
        "" if result.ours is None else _short(1000 * result.ours),
        "" if result.value is None else f"{_short(result.value)} {result.unit}",
        result.goal,
        "" if result.holds is None else "met" if result.holds else "missed",
        "" if result.memory is None else f"{result.memory:.3g}",
        result.note,
    )


def _short(value: float) -> str:
    """Return three digits, or all of a whole number above."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
