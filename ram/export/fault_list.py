"""The list of images that could not be read, beside the results of a run."""

from __future__ import annotations

import csv
from collections.abc import Collection, Sequence
from pathlib import Path

from ram.errors import InputError
from ram.export.formats import harmless_name, readable_name
from ram.export.result_contents import image_key
from ram.text.files import write_table

COLUMNS = ("image", "reason")


def read_faults(path: Path) -> list[tuple[str, str]]:
    """Read a list that :func:`save_faults` wrote; empty where there is none.

    Raises:
        InputError: the file holds something else.
    """
    if not path.is_file():
        return []
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        rows = list(csv.reader(file))
    if rows[:1] != [list(COLUMNS)] or any(len(row) != 2 for row in rows):
        raise InputError(f"{path.name} exists and is no list of unreadable pictures: name another file")
    return [(image, reason) for image, reason in rows[1:]]


def save_faults(path: Path, faults: Sequence[tuple[str, str]], done: Collection[str | Path]) -> int:
    """Write the unreadable images of a run, each with the reason, and those of earlier runs that were not tried again.

    Args:
        path: a CSV file, removed where nothing is left to list.
        faults: name and reason of each.
        done: images that this run has read or found unreadable.

    Returns:
        How many images the list has.

    Raises:
        InputError: the file holds something else.
    """
    tried = set(map(image_key, done)) | {image_key(image) for image, _ in faults}
    listed = [fault for fault in read_faults(path) if image_key(fault[0]) not in tried] + list(faults)
    if listed:
        rows = ((harmless_name(readable_name(image)), readable_name(reason)) for image, reason in listed)
        write_table(path, COLUMNS, rows)
    else:
        path.unlink(missing_ok=True)
    return len(listed)
