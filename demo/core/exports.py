"""Files to download, as text: albums as JSON lines, CSV or COCO, and tables as CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.core.album import Album, Thumbs
from demo.core.album_thresholds import Thresholds
from ram.export.formats import Coco, Csv, JsonLines, Report, harmless, listed, record_of
from ram.prediction import TagScore
from ram.text.vocabulary import TagVocabulary

FORMS = {"jsonl": "JSONL", "csv": "CSV", "coco": "COCO"}


@dataclass(frozen=True)
class Download:
    """A text file to save.

    Args:
        name: of the file.
        media_type: such as "text/csv".
        text: its content.
    """

    name: str
    media_type: str
    text: str

    @property
    def content(self) -> str:
        """The text to save: CSV beyond ASCII begins with a byte order mark, without which Excel garbles it."""
        return f"\ufeff{self.text}" if self.media_type == "text/csv" and not self.text.isascii() else self.text


def export_album(
    album: Album, thresholds: Thresholds, form: str, indices: Sequence[int] | None = None, thumbs: Thumbs | None = None
) -> Download:
    """Photos of an album as `ram tag --output` writes them, each tag with its heaviest description.

    Args:
        form: one of :data:`FORMS`.
        indices: of the photos to export; all where None.
        thumbs: tags that are wrong are left out, and those that are right are tags whatever their probability.
    """
    vocabulary = thresholds.apply(album.vocabulary)
    written = io.StringIO()
    reports: dict[str, tuple[str, str, Callable[[], Report]]] = {
        "jsonl": ("tags.jsonl", "application/jsonl", lambda: JsonLines(written)),
        "csv": ("tags.csv", "text/csv", lambda: Csv(written)),
        "coco": ("tags.coco.json", "application/json", lambda: Coco(written, vocabulary.tags)),
    }
    name, media_type, open_report = reports[form]
    report = open_report()
    for index in range(len(album.photos)) if indices is None else indices:
        photo = album.photos[index]
        prediction = album.prediction(photo, vocabulary)
        judged = {tag: right for (judged, tag), right in (thumbs or {}).items() if judged == index}
        scores = [score for score in listed(prediction, typed=list(judged)) if judged.get(score.tag, True)]
        record = record_of(photo.name, album.model, prediction, scores)
        tags = [score.tag for score in scores if judged.get(score.tag, score.present)]
        report.add({**record, "tags": tags, "width": photo.size[0], "height": photo.size[1]})
    report.finish()
    return Download(name, media_type, written.getvalue())


def export_vocabulary(vocabulary: TagVocabulary) -> Download:
    """The vocabulary.csv of a model folder with these thresholds, at full precision."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "vocabulary.csv")
        vocabulary.save(path)
        return Download(path.name, "text/csv", path.read_text(encoding="utf-8"))


def export_table(name: str, rows: Sequence[Mapping[str, Any]]) -> tuple[Download, ...]:
    """Rows of equal columns as CSV, safe to open in a spreadsheet, and as JSON; nothing where there are no rows."""
    if not rows:
        return ()
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow(map(harmless, rows[0]))
    table.writerows([harmless(cell) for cell in row.values()] for row in rows)
    document = json.dumps([dict(row) for row in rows], ensure_ascii=False, indent=1)
    csv_file = Download(f"{name}.csv", "text/csv", written.getvalue())
    return csv_file, Download(f"{name}.json", "application/json", document)


def score_row(score: TagScore) -> dict[str, Any]:
    """Columns of a table for one score; the description is the heaviest."""
    row: dict[str, Any] = {"probability": round(score.probability, 4), "threshold": score.threshold}
    if score.descriptions:
        row |= {"description": score.descriptions[0].text, "weight": round(score.descriptions[0].weight, 4)}
    return row
