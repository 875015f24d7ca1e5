"""Read and write text, JSON and tables, with errors that say what is wrong with the file and where."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from ram.errors import InputError
from ram.runtime import atomic_write

_SEPARATOR_HINT = re.compile(r'"?sep=([,;\t])"?[,;\t]*\r?\n', re.IGNORECASE)
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def package_file(path: str) -> Path:
    """Path of a data file of the package, such as "labels/scenes.txt"."""
    return Path(str(resources.files("ram"))) / path


def read_text(path: Path) -> str:
    """Read a text file in UTF-8, with or without a byte order mark, or in UTF-16 with one.

    Raises:
        InputError: the file cannot be read, or is in another encoding.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
    try:
        if content.startswith(_UTF16_MARKS):
            return content.decode("utf-16")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(
            f"{path.name} is not UTF-8 text: line {line} has bytes of another encoding, such as Windows-1252; "
            "save the file as UTF-8"
        ) from None


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        InputError: the file cannot be read or is not JSON.
    """
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise InputError(f"{path.name} is not JSON: {error}") from None
    except RecursionError:
        raise InputError(f"{path.name} is not JSON that can be read: it is nested too deeply") from None


def read_lines(path: Path) -> list[str]:
    """Lines of a text file, stripped, without empty ones.

    Raises:
        InputError: the file cannot be read.
    """
    return [line for line in map(str.strip, read_text(path).splitlines()) if line]


def read_table(path: Path, columns: Collection[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line number and the cells of every row of a table with a heading.

    Commas, or else the semicolons or tabs that spreadsheets write, separate the cells. Missing cells are "".

    Args:
        path: the table.
        columns: columns that it must have; others may be there.

    Raises:
        InputError: the file cannot be read, is not a table, or lacks a column.
    """
    _, rows = read_rows(path)
    _, heading = next(rows, (0, []))
    if missing := [column for column in columns if column not in heading]:
        names = " and ".join(columns)
        raise InputError(f"{path.name} needs the columns {names}: its first line has no {missing[0]}")
    for line, cells in rows:
        yield line, {**dict.fromkeys(heading, ""), **dict(zip(heading, cells, strict=False))}


def read_rows(path: Path) -> tuple[str, Iterator[tuple[int, list[str]]]]:
    """Read a table as spreadsheets write them.

    Commas, or else semicolons or tabs, separate the cells; a line ``sep=;`` at the start says so, too. Empty rows, and
    empty cells beyond those of the first row, are left out.

    Args:
        path: the table.

    Returns:
        What separates the cells; the line number and the cells of every row.

    Raises:
        InputError: the file cannot be read, or, while the rows are read, is not CSV.
    """
    text = read_text(path)
    hint = _SEPARATOR_HINT.match(text)
    heading = text.partition("\n")[0]
    separator = hint[1] if hint else "," if "," in heading else next((one for one in ";\t" if one in heading), ",")
    return separator, _rows(text[hint.end() :] if hint else text, separator, 1 if hint else 0, path.name)


def _rows(text: str, separator: str, line: int, name: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    width = 0
    try:
        for cells in reader:
            filled = max((column for column, cell in enumerate(cells, 1) if cell.strip()), default=0)
            width = width or max(filled, 2)
            if filled:
                yield line + reader.line_num, cells[: max(filled, width)]
    except csv.Error as error:
        raise InputError(f"line {line + reader.line_num} of {name} is not CSV: {error}") from None


def write_table(path: Path, heading: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a CSV file atomically."""
    with atomic_write(path) as partial, open(partial, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(heading)
        table.writerows(rows)


def write_json(path: Path, document: Any, **options: Any) -> None:
    """Write a JSON file atomically; the options are those of ``json.dumps``."""
    with atomic_write(path) as partial:
        partial.write_text(json.dumps(document, **options) + "\n", encoding="utf-8")


def listed_path(folder: Path, name: str) -> Path:
    """Path of a file that a list names, relative to a folder; the backslashes of Windows work on every system."""
    path = folder / name
    return path if "\\" not in name or path.exists() else folder / name.replace("\\", "/")


def read_word_classes(path: Path) -> dict[str, frozenset[str]]:
    """Read a table with the columns word and class: the words of each class.

    Raises:
        InputError: the file cannot be read or lacks a column.
    """
    classes: dict[str, set[str]] = {}
    for _, row in read_table(path, ("word", "class")):
        classes.setdefault(row["class"], set()).add(row["word"])
    return {name: frozenset(words) for name, words in classes.items()}
