"""Result files of long runs: written image by image, continued by the next run, never emptied unasked."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ram.errors import InputError
from ram.export.formats import PLAIN_CSV, TAGS, Coco, Csv, CsvForm, JsonLines, Record, RecordKind, Report
from ram.export.result_contents import Contents, file_bytes, image_key, read_results
from ram.runtime import lock
from ram.text.files import write_json

SAVE_SECONDS = 60.0
"""Time after which a document that is written as a whole is written again."""


class ResultFile:
    """A file of records that a run makes or continues.

    Args:
        path: its suffix decides the format: ``.jsonl``, ``.csv``, or ``.json`` for COCO.
        csv_form: of a new CSV file; one that is continued keeps its form.
        overwrite: replace the contents of a file that exists.
        kind: of the records.

    Raises:
        InputError: the file exists and holds something else, or cannot be read.
    """

    def __init__(
        self, path: Path, csv_form: CsvForm = PLAIN_CSV, overwrite: bool = False, kind: RecordKind = TAGS
    ) -> None:
        self.path = path
        self._kind = kind
        self._size = path.stat().st_size if os.path.isfile(path) else 0
        self._overwrite = overwrite
        self._contents = read_results(path, kind) if self._size and not overwrite else Contents()
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
            InputError: the file has records of another model.
        """
        if others := sorted({*self._contents.images.values()} - {name}):
            raise InputError(
                f"{self.path.name} holds {self._kind.name} of {others[0]}, not of {name}: name another file, or "
                "replace it with --overwrite"
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
            if not lock(file) or not self._overwrite and os.fstat(file.fileno()).st_size != self._size:
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
        rest = memoryview(file_bytes(text))
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
