"""Result files of long runs: written image by image, continued by the next run, never emptied unasked."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from ram.errors import InputError
from ram.export.formats import ALL_CSV, PLAIN_CSV, Coco, Csv, CsvForm, JsonLines, Record, Report, readable_name
from ram.text.files import write_json

SAVE_SECONDS = 60.0
"""Time after which a document that is written as a whole is written again."""

_HEAD = re.compile(rb'\{"image": ("(?:[^"\\]|\\.)*"), "model": ("(?:[^"\\]|\\.)*")[,}]')
"""Beginning of a line of JSON: enough to know the image, and much faster than reading all of its scores."""


@dataclass(frozen=True)
class _Contents:
    """Contents of a result file.

    Args:
        images: model of each image, by :func:`image_key`.
        end: bytes that are whole.
        cut: image that a killed run or a full disk cut off, and where it starts.
        csv_form: of a CSV file.
        document: of a COCO file.
    """

    images: dict[str, str] = field(default_factory=dict)
    end: int = 0
    cut: tuple[str, int] | None = None
    csv_form: CsvForm | None = None
    document: Mapping[str, Any] = field(default_factory=dict)


class ResultFile:
    """A file of records that a run makes or continues.

    Args:
        path: its suffix decides the format: ``.jsonl``, ``.csv``, or ``.json`` for COCO.
        csv_form: of a new CSV file; one that is continued keeps its form.
        overwrite: replace the contents of a file that exists.

    Raises:
        InputError: the file exists and holds something else, or cannot be read.
    """

    def __init__(self, path: Path, csv_form: CsvForm = PLAIN_CSV, overwrite: bool = False) -> None:
        self.path = path
        self._size = path.stat().st_size if os.path.isfile(path) else 0
        self._overwrite = overwrite
        self._contents = _read(path) if self._size and not overwrite else _Contents()
        self._csv_form = self._contents.csv_form or csv_form

    @property
    def is_coco(self) -> bool:
        """Whether records need the width and height of the image."""
        return self.path.suffix.lower() == ".json"

    def __len__(self) -> int:
        """Number of images that are whole in the file."""
        return len(self._contents.images)

    def __contains__(self, image: str | Path) -> bool:
        """Whether the file holds an image, whole; its path may be relative or absolute."""
        return image_key(image) in self._contents.images

    def check_model(self, name: str) -> None:
        """Refuse to continue a file of another model.

        Raises:
            InputError: the file has images that another model tagged.
        """
        if others := sorted({*self._contents.images.values()} - {name}):
            raise InputError(
                f"{self.path.name} holds tags of {others[0]}, not of {name}: name another file, or replace it with "
                "--overwrite"
            )

    @contextmanager
    def writing(self, images: Collection[Path], tags: Sequence[str] = ()) -> Iterator[Report]:
        """Open the file and give the report that writes to it.

        Each record is written in one step, and removed again where it does not fit on the disk; a COCO document is
        written as a whole, every :data:`SAVE_SECONDS` and at the end.

        Args:
            images: those that are about to be written; the rest of one that was cut off is replaced.
            tags: that are scored, which a COCO document lists.

        Raises:
            InputError: another run writes to the file.
            OSError: the file cannot be written, or the disk is full.
        """
        if self.is_coco:
            yield _CocoFile(self.path, Coco(io.StringIO(), tags, self._contents.document))
            return
        with open(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0) as file:
            if not _locked(file) or not self._overwrite and os.fstat(file.fileno()).st_size != self._size:
                raise InputError(f"another run writes to {self.path.name}: wait for it, or name another file")
            if self._size:
                self._go_to_end(file, images)
            output = _WholeWrites(file, self.path)
            is_csv = self.path.suffix.lower() == ".csv"
            yield Csv(output, self._csv_form, heading=not self._contents.end) if is_csv else JsonLines(output)

    def _go_to_end(self, file: BinaryIO, images: Collection[Path]) -> None:
        key, start = self._contents.cut or ("", 0)
        again = key and key in map(image_key, images)
        file.truncate(start if again else self._contents.end)
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")


def image_key(image: str | Path) -> str:
    """Return the absolute path of an image, in lower case on Windows: one key for every spelling of its name."""
    return os.path.normcase(readable_name(os.path.abspath(image)))


def _read(path: Path) -> _Contents:
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise InputError(f"{path.name} exists and cannot be continued: name another file, or replace it: --overwrite")
    try:
        with open(path, "rb") as file:
            return read(file)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, RecursionError, csv.Error):
        raise InputError(
            f"{path.name} exists and is no result of `ram tag`: name another file, or replace it with --overwrite"
        ) from None


def _read_json_lines(file: BinaryIO) -> _Contents:
    images: dict[str, str] = {}
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
        end += len(line)
    return _Contents(images, end)


def _read_csv(file: BinaryIO) -> _Contents:
    heading = file.readline()
    if not heading.endswith(b"\n") and any(form.heading.encode().startswith(heading) for form in ALL_CSV):
        return _Contents()  # the first line is not whole
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
        if cells and cells[0] != name and not (len(cells) == 1 and _bytes(name).startswith(_bytes(cells[0]))):
            name, image_start = cells[0], row_start
        if len(cells) == len(form.columns):
            images[image_key(name)] = cells[1]
            row_start = end
        elif cells and end < size:
            raise ValueError("a row has too few or too many cells")
    file.seek(max(0, size - 1))
    if row_start == size and file.read(1) == b"\n":
        return _Contents(images, end, csv_form=form)
    images.pop(image_key(name), None)
    return _Contents(images, row_start, (image_key(name), image_start), form)


def _read_coco(file: BinaryIO) -> _Contents:
    document = json.load(file)
    model = document["info"]["model"] + ""
    for entries, fields in _COCO_FIELDS.items():
        for entry in document[entries]:
            if not all(isinstance(entry[name], kind) for name, kind in fields.items()):
                raise ValueError(f"an entry of {entries} has another form")
    images = {image_key(image["file_name"]): model for image in document["images"]}
    return _Contents(images, os.fstat(file.fileno()).st_size, document=document)


_COCO_FIELDS: Mapping[str, Mapping[str, type]] = {
    "images": {"id": int, "file_name": str},
    "categories": {"id": int, "name": str},
    "annotations": {"id": int},
}
"""Fields, with their types, without which a COCO document cannot be continued."""
_READERS: dict[str, Callable[[BinaryIO], _Contents]] = {
    ".jsonl": _read_json_lines,
    ".csv": _read_csv,
    ".json": _read_coco,
}
"""Formats that can be continued."""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _locked(file: BinaryIO) -> bool:
    """Keep other runs from writing to the file until it is closed; False where one does. Windows has no such lock."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


class _CocoFile:
    """A COCO document that replaces its file now and then, so that a kill loses little."""

    def __init__(self, path: Path, coco: Coco) -> None:
        self._path = path
        self._coco = coco
        self._saved = time.monotonic()

    def add(self, record: Record) -> None:
        self._coco.add(record)
        if time.monotonic() - self._saved >= SAVE_SECONDS:
            self.finish()

    def finish(self) -> None:
        write_json(self._path, self._coco.document())
        self._saved = time.monotonic()


class _WholeWrites:
    """Writes each text in one step, or not at all."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path

    def write(self, text: str) -> int:
        rest = memoryview(_bytes(text))
        start = self._file.tell() if self._file.seekable() else None
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            if start is not None:
                with suppress(OSError):
                    self._file.truncate(start)
            raise OSError(error.errno, error.strerror, str(self._path)) from None
        return len(text)

    def flush(self) -> None: ...
