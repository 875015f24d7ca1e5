"""Read lists of tags that people bring: one per line, a vocabulary table, or an image-board tagger's tag table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from ram.errors import InputError
from ram.text.files import read_table, read_text
from ram.text.names import normalize_category, spaced
from ram.text.vocabulary import TagVocabulary

MAX_REPORTED = 20
"""Invalid lines that one message lists."""
_RATING = "9"
"""Category of the ratings in ``selected_tags.csv``, which name nothing visible."""


def read_tag_list(path: Path, skip: Callable[[str], None] | None = None) -> tuple[str, ...]:
    """Read a text file with one tag per line; names that differ only in case are one tag.

    Args:
        path: the file.
        skip: called with a message where lines are invalid, which are then left out; an error where None.

    Raises:
        InputError: the file cannot be read or names no tag, or lines are invalid: the message lists all of them.
    """
    lines = ((number, line) for number, line in enumerate(read_text(path).splitlines(), 1) if line.strip())
    return _check(path, lines, skip)


def read_vocabulary(path: Path, skip: Callable[[str], None] | None = None) -> TagVocabulary:
    """Read a table of tags: our ``vocabulary.csv``, or ``selected_tags.csv`` of WD taggers.

    The latter has the columns name and category. Its underscores become spaces, and its ratings are left out.

    Args:
        path: the table.
        skip: as for :func:`read_tag_list`.

    Raises:
        InputError: the file cannot be read or has other columns, or lines are invalid.
    """
    heading = read_text(path).partition("\n")[0]
    if not {"name", "category"} <= {cell.strip(' "\r') for cell in heading.split(",")}:
        return TagVocabulary.load(path)
    rows = read_table(path, ("name", "category"))
    names = ((line, spaced(row["name"])) for line, row in rows if row["category"] != _RATING)
    return TagVocabulary.of(_check(path, names, skip))


def _check(path: Path, lines: Iterable[tuple[int, str]], skip: Callable[[str], None] | None) -> tuple[str, ...]:
    tags: dict[str, str] = {}
    invalid: list[str] = []
    for number, line in lines:
        try:
            tag = normalize_category(line)
        except InputError as error:
            invalid.append(f"line {number}: {error}")
        else:
            tags.setdefault(tag.casefold(), tag)
    if invalid:
        more = [f"and {len(invalid) - MAX_REPORTED} more"] if len(invalid) > MAX_REPORTED else []
        count = f" {len(invalid)} invalid lines:" if len(invalid) > 1 else ""
        message = f"{path.name}:{count} " + "; ".join([*invalid[:MAX_REPORTED], *more])
        if skip is None:
            raise InputError(message)
        skip(message)
    if not tags:
        raise InputError(f"{path.name} contains no tag: write one per line")
    return tuple(tags.values())
