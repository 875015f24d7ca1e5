"""Contents of a result file that a run wrote before, however it was stopped."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from ram.errors import InputError
from ram.export.formats import ALL_CSV, CAPTIONS, TAGS, CsvForm, RecordKind, readable_name

_HEAD = re.compile(rb'\{"image": ("(?:[^"\\]|\\.)*"), "model": ("(?:[^"\\]|\\.)*")[,}]')
"""Beginning of a line of JSON: enough to know the image, and much faster than reading all of its scores."""


@dataclass(frozen=True)
class Contents:
    """Contents of a result file.

    Args:
        images: model of each image, by :func:`image_key`.
        end: bytes that are whole.
        cut: image that a killed run or a full disk cut off, and where it starts.
        csv_form: of a CSV file.
        document: of a COCO file.
        kind: of the records; None where there is none.
    """

    images: dict[str, str] = field(default_factory=dict)
    end: int = 0
    cut: tuple[str, int] | None = None
    csv_form: CsvForm | None = None
    document: Mapping[str, Any] = field(default_factory=dict)
    kind: RecordKind | None = None


def read_results(path: Path, kind: RecordKind) -> Contents:
    """Read which images a file holds, and where its whole records end.

    Raises:
        InputError: the file cannot be read, or holds something else than records of this kind.
    """
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise InputError(f"{path.name} exists and cannot be continued: name another file, or replace it: --overwrite")
    try:
        with open(path, "rb") as file:
            contents = read(file)
        if contents.kind not in (None, kind):
            raise ValueError(f"it holds {contents.kind}")
        return contents
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, RecursionError, csv.Error):
        raise InputError(
            f"{path.name} exists and is no result of `ram {kind.command}`: name another file, or replace it with "
            "--overwrite"
        ) from None


def image_key(image: str | Path) -> str:
    """Return the absolute path of an image, in lower case on Windows: one key for every spelling of its name."""
    return os.path.normcase(readable_name(os.path.abspath(image)))


def file_bytes(text: str) -> bytes:
    """Encode text as result files are: UTF-8, with the bytes of file names that are none."""
    return text.encode("utf-8", "surrogateescape")


def _read_json_lines(file: BinaryIO) -> Contents:
    images: dict[str, str] = {}
    kind: RecordKind | None = None
    end = 0
    for line in file:
        head = _HEAD.match(line) if line.endswith(b"}\n") else None
        try:
            fields = json.loads(b'{"image": %s, "model": %s}' % head.groups() if head else line)
        except ValueError:
            if line.endswith(b"\n"):
                raise
            break  # the last line, which is not whole
        images[image_key(fields["image"])] = fields["model"] + ""
        is_caption = line.startswith(b' "caption"', head.end()) if head else "caption" in fields
        kind, before = CAPTIONS if is_caption else TAGS, kind
        if before not in (None, kind):
            raise ValueError("some lines are tags, others captions")
        end += len(line)
    return Contents(images, end, kind=kind)


def _read_csv(file: BinaryIO) -> Contents:
    heading = file.readline()
    if not heading.endswith(b"\n") and any(form.heading.encode().startswith(heading) for form in ALL_CSV):
        return Contents()  # the first line is not whole
    form = CsvForm.of(heading.decode("utf-8"))
    size = os.fstat(file.fileno()).st_size
    end = len(heading)

    def lines() -> Iterator[str]:
        nonlocal end
        for line in file:
            end += len(line)
            yield line.decode("utf-8", "surrogateescape")

    images: dict[str, str] = {}
    name, image_start, row_start = "", end, end
    for cells in csv.reader(lines(), delimiter=form.delimiter):
        if cells and cells[0] != name and not (len(cells) == 1 and file_bytes(name).startswith(file_bytes(cells[0]))):
            name, image_start = cells[0], row_start
        if len(cells) == len(form.columns):
            images[image_key(name)] = cells[1]
            row_start = end
        elif cells and end < size:
            raise ValueError("a row has too few or too many cells")
    file.seek(max(0, size - 1))
    if row_start == size and file.read(1) == b"\n":
        return Contents(images, end, csv_form=form, kind=form.kind)
    images.pop(image_key(name), None)
    return Contents(images, row_start, (image_key(name), image_start), form, kind=form.kind)


def _read_coco(file: BinaryIO) -> Contents:
    document = json.load(file)
    model = document["info"]["model"] + ""
    for entries, fields in _COCO_FIELDS.items():
        for entry in document[entries]:
            if not all(isinstance(entry[name], kind) for name, kind in fields.items()):
                raise ValueError(f"an entry of {entries} has another form")
    images = {image_key(image["file_name"]): model for image in document["images"]}
    return Contents(images, os.fstat(file.fileno()).st_size, document=document, kind=TAGS)


_COCO_FIELDS: Mapping[str, Mapping[str, type]] = {
    "images": {"id": int, "file_name": str},
    "categories": {"id": int, "name": str},
    "annotations": {"id": int},
}
"""Fields, with their types, without which a COCO document cannot be continued."""
_READERS: dict[str, Callable[[BinaryIO], Contents]] = {
    ".jsonl": _read_json_lines,
    ".csv": _read_csv,
    ".json": _read_coco,
}
"""Formats that can be continued."""
