"""What a visitor takes home: albums as JSON lines, CSV or COCO, and tables as CSV or JSON; text, never a file."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.core.album import Album
from demo.core.album_thresholds import Thresholds
from ram.export.formats import Coco, Csv, JsonLines, Report, harmless, listed, record_of
from ram.text.vocabulary import TagVocabulary

FORMS = {"jsonl": "JSONL", "csv": "CSV", "coco": "COCO"}


@dataclass(frozen=True)
class Download:
    """A text to be saved.

    Args:
        name: what to call the file.
        kind: its media type.
        text: all of it.
    """

    name: str
    kind: str
    text: str


def export_album(album: Album, thresholds: Thresholds, form: str, places: Sequence[int] | None = None) -> Download:
    """Photos of an album as `ram tag --output` would write them, each tag with its heaviest description.

    Args:
        form: one of :data:`FORMS`.
        places: positions of the photos to take; all of them where None.
    """
    vocabulary = thresholds.over(album.vocabulary)
    written = io.StringIO()
    reports: dict[str, tuple[str, str, Callable[[], Report]]] = {
        "jsonl": ("tags.jsonl", "application/jsonl", lambda: JsonLines(written)),
        "csv": ("tags.csv", "text/csv", lambda: Csv(written)),
        "coco": ("tags.coco.json", "application/json", lambda: Coco(written, vocabulary.tags)),
    }
    name, kind, opened = reports[form]
    report = opened()
    for place in range(len(album.photos)) if places is None else places:
        photo = album.photos[place]
        prediction = album.prediction(photo, vocabulary)
        record = record_of(photo.name, album.model, prediction, listed(prediction))
        report.add({**record, "width": photo.size[0], "height": photo.size[1]})
    report.finish()
    return Download(name, kind, written.getvalue())


def export_vocabulary(vocabulary: TagVocabulary) -> Download:
    """The vocabulary.csv of a model folder, with these thresholds; as exact as it must be to be read again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "vocabulary.csv")
        vocabulary.save(path)
        return Download(path.name, "text/csv", path.read_text(encoding="utf-8"))


def export_table(name: str, rows: Sequence[Mapping[str, Any]]) -> tuple[Download, Download]:
    """Rows of the same columns as CSV, whose text no spreadsheet takes for a formula, and as JSON."""
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow(map(harmless, rows[0] if rows else ()))
    table.writerows([harmless(cell) for cell in row.values()] for row in rows)
    document = json.dumps([dict(row) for row in rows], ensure_ascii=False, indent=1)
    csv_file = Download(f"{name}.csv", "text/csv", written.getvalue())
    return csv_file, Download(f"{name}.json", "application/json", document)
