"""Our figures in the form of the papers' tables, taken from files of results.

``ours.json`` says which figure of which file belongs into which cell, what a row that was not run needs, and by which
phrase a file is known whose figures were copied by hand from printed runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.tables.result_files import RESULTS, Measured, ResultFile, read_results

LAYOUT = Path(__file__).with_name("ours.json")


@dataclass(frozen=True)
class OurRow:
    """A row of ours, which holds no quoted figure.

    Args:
        cells: what it is, one for each column before the figures.
        figures: (figures,) None where one does not exist for this row.
        needs: what is missing, where the row was not run.
    """

    cells: tuple[str, ...]
    figures: tuple[Measured | None, ...] = ()
    needs: str | None = None


@dataclass(frozen=True)
class OurTable:
    """One of our tables, which stands for a table of a paper at lite scale.

    Args:
        columns: names of all columns.
        digits: (figures,) decimals of each figure.
        rows: in the order of the paper where it has them.
        commands: that made the figures.
        about: on what they were measured.
        says: which claim of the paper holds here, in words.
    """

    columns: tuple[str, ...]
    digits: tuple[int, ...]
    rows: tuple[OurRow, ...]
    commands: tuple[str, ...]
    about: tuple[str, ...]
    says: str = ""


def load_ours(paper: str, number: int, results: Path = RESULTS) -> OurTable:
    """Fill a table with the figures that are there; a row without any says what it needs.

    Raises:
        KeyError: ``ours.json`` has no such table.
    """
    layout = _layout()
    entry = layout["tables"][f"{paper} {number}"]
    first = len(entry["columns"]) - len(entry["figures"])
    names = [figure if isinstance(figure, str) else figure[0] for figure in entry["figures"]]
    digits = tuple(1 if isinstance(figure, str) else figure[1] for figure in entry["figures"])
    rows, used = [], {}
    for row in entry["rows"]:
        source = row.get("from", entry.get("from"))
        if "needs" in row:
            rows.append(OurRow(_cells(row, first), needs=row["needs"]))
            continue
        found = read_results(source, results)
        command = layout["commands"][row.get("command", source)]
        rows.append(_row(_cells(row, first), row["row"], names, found, command))
        if found is not None and rows[-1].needs is None:
            used[source] = found
    return OurTable(
        tuple(entry["columns"]),
        digits,
        tuple(rows),
        tuple(dict.fromkeys(found.command for found in used.values())),
        tuple(dict.fromkeys(_about(source, found) for source, found in used.items())),
        " ".join(entry.get("says", ())),
    )


def is_copied(source: str, found: ResultFile) -> bool:
    """Whether the figures of a file were copied by hand from a printed run, before a program wrote the file."""
    phrase = _layout()["copied"].get(source)
    return phrase is not None and phrase in found.about


def _about(source: str, found: ResultFile) -> str:
    return f"{found.about} Copied by hand from printed runs." if is_copied(source, found) else found.about


def _row(cells: tuple[str, ...], key: str, names: Sequence[str], found: ResultFile | None, command: str) -> OurRow:
    figures = tuple(None if found is None else found.figure(key, name) for name in names)
    if any(figure is not None for figure in figures):
        return OurRow(cells, figures)
    return OurRow(cells, needs=f"`{command}`")


def _cells(row: Mapping[str, Any], count: int) -> tuple[str, ...]:
    cells = tuple(row["cells"])
    if len(cells) != count:
        raise ValueError(f"{cells} are not {count} cells before the figures")
    return cells


@cache
def _layout() -> dict[str, Any]:
    layout: dict[str, Any] = json.loads(LAYOUT.read_text(encoding="utf-8"))
    return layout
