"""The tables of the papers, as quoted in ``quoted/*.json``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "quoted"
PAPERS = {"ram_plus": "RAM++", "ram": "RAM"}
"""Name of each paper's file to the name of its model."""


@dataclass(frozen=True)
class QuotedTable:
    """One table of a paper.

    Args:
        paper: one of :data:`PAPERS`.
        number: of the table.
        title: in our words.
        columns: names of the columns.
        rows: cells as printed in the paper, of which "x" means "not possible".
        note: on the signs in it, and on digits that the text at hand lacks.

    Raises:
        ValueError: a row has more or fewer cells than there are columns.
    """

    paper: str
    number: int
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.name}: {len(row)} cells in {row}, but {len(self.columns)} columns")

    @property
    def name(self) -> str:
        """Such as "RAM++, Table 3"."""
        return f"{PAPERS[self.paper]}, Table {self.number}"


def load_quoted(paper: str, folder: Path = FOLDER) -> list[QuotedTable]:
    """Read the tables of one of :data:`PAPERS`, in the paper's order."""
    entries: list[dict[str, Any]] = json.loads((folder / f"{paper}.json").read_text(encoding="utf-8"))
    return [
        QuotedTable(
            paper,
            entry["number"],
            entry["title"],
            tuple(entry["columns"]),
            tuple(tuple(row) for row in entry["rows"]),
            entry.get("note", ""),
        )
        for entry in entries
    ]
