"""The example photos, their authors and licences."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ram.images.opening import SUFFIXES


@dataclass(frozen=True)
class Example:
    """A photo to try.

    Args:
        path: its file.
        title: what it shows, in one phrase.
        author, licence: empty where they are not known.
        source: address of the original, or empty.
    """

    path: Path
    title: str
    author: str = ""
    licence: str = ""
    source: str = ""

    @property
    def errs(self) -> bool:
        """Whether its title says that the model errs."""
        return "the model errs" in self.title

    @property
    def credit(self) -> str:
        """ "A honey bee on a purple aster: John Severns, public domain"."""
        return ": ".join(filter(None, (self.title, ", ".join(filter(None, (self.author, self.licence))))))


def list_examples(folder: Path, table: str = "SOURCES.md") -> list[Example]:
    """Photos of a folder in the order of its table, then the others by name; empty where there is no folder.

    The table has a line ``| `bee.jpg` | title | author | licence | found in | original |`` for each photo.
    """
    if not folder.is_dir():
        return []
    rows = _rows((folder / table).read_text(encoding="utf-8")) if (folder / table).is_file() else {}
    order = list(rows)
    photos = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    photos.sort(key=lambda path: order.index(path.name) if path.name in rows else len(order))
    return [_example(path, rows.get(path.name, [])) for path in photos]


def _rows(text: str) -> dict[str, list[str]]:
    cells = [[cell.strip() for cell in line.strip("|\r\n").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return {row[0].strip("`"): row[1:] for row in cells}


def _example(path: Path, row: list[str]) -> Example:
    title, author, licence, _, source = (row + [""] * 5)[:5]
    title = re.sub(r"\s*\([^)]*\)$", "", title) or path.stem.replace("_", " ").capitalize()
    link = re.search(r"\]\((https://[^)\s]+)\)", source)
    return Example(path, title, author, re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", licence), link[1] if link else "")
