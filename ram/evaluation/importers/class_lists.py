"""Class lists that ship: what a data set calls its classes, and the tags that are scored for them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from ram.errors import InputError
from ram.text.files import package_file, read_table, read_text


@dataclass(frozen=True)
class BenchmarkClass:
    """One class of a data set.

    Args:
        key: what the annotations call it: a number or a name.
        tag: what is scored: its name in the official vocabulary where that has it.
        name: the name that the data set gives to a numbered class.
    """

    key: str
    tag: str
    name: str = ""


def read_classes(file: str, sha256: str, subset: str = "") -> tuple[BenchmarkClass, ...]:
    """Read a class list of the package, a table with the columns key and tag, and in part name and subset.

    Args:
        file: name in ``ram/evaluation/importers/lists``.
        sha256: of the file, so that two people who name a benchmark measure the same classes.
        subset: only the classes of this subset; all of them where "".

    Raises:
        InputError: the file is not what the checksum says.
    """
    path = package_file(f"evaluation/importers/lists/{file}")
    if class_list_sha256(file) != sha256:
        raise InputError(f"the class list {file} of this package was changed: install the package again")
    return tuple(
        BenchmarkClass(row["key"], row["tag"], row.get("name", ""))
        for _, row in read_table(path, ("key", "tag"))
        if not subset or row["subset"] == subset
    )


def class_list_sha256(file: str) -> str:
    """Checksum of a class list, the same with the line ends of any system."""
    text = read_text(package_file(f"evaluation/importers/lists/{file}")).replace("\r\n", "\n")
    return hashlib.sha256(text.encode()).hexdigest()
