"""Write the tags of many images as JSON lines, CSV, COCO, or a text file beside each, one record per image."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ram.prediction import Prediction, TagScore

AT_LEAST = 10
"""Tags that are listed even if fewer are over their thresholds."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Characters that a spreadsheet may interpret as the beginning of a formula."""

TRANSLATED_COLUMNS = ("image", "model", "tag", "translation", "probability", "threshold", "description", "weight")
TAG_COLUMNS = tuple(name for name in TRANSLATED_COLUMNS if name != "translation")
CAPTION_COLUMNS = ("image", "model", "caption", "tags")
"""Columns of CSV files: the translation of each tag stands behind it where it is asked for."""
_MARK = "\ufeff"

Record = Mapping[str, Any]
"""One image: ``{"image", "model", "tags", "scores"}``; for COCO also its ``"width"`` and ``"height"``.

Of a model that can tell, ``"unlike"`` too: whether the image is unlike the photos that the model was taught on. A
caption has ``{"image", "model", "caption", "tags"}``.
"""


@dataclass(frozen=True)
class RecordKind:
    """Kind of the records in a result file.

    Args:
        name: in messages, in the plural.
        command: of `ram` that writes them.
    """

    name: str
    command: str


TAGS, CAPTIONS = RecordKind("tags", "tag"), RecordKind("captions", "caption")


def listed(
    prediction: Prediction, typed: Sequence[str] = (), top: int | None = None, threshold: float | None = None
) -> list[TagScore]:
    """Return the scores to report, most probable first.

    Args:
        prediction: all scores.
        typed: categories that are always listed.
        top: list so many in any case.
        threshold: list the tags over this threshold in place of their own.

    Returns:
        The tags over ``threshold`` or the ``top`` ones, where one of them is given; otherwise the tags over their own
        thresholds, at least ten, and the typed categories.
    """
    if threshold is not None:
        return prediction.above(threshold)[:top]
    if top is not None:
        return prediction.top(top)
    scores = [*prediction.above(), *prediction.top(AT_LEAST), *(prediction[tag] for tag in typed)]
    return sorted({score.tag: score for score in scores}.values(), key=lambda score: -score.probability)


def record_of(
    image: str,
    model: str,
    prediction: Prediction,
    scores: Sequence[TagScore],
    *,
    lean: bool = False,
    translations: bool = False,
) -> dict[str, Any]:
    """Return the record of an image: the tags over their thresholds, and the scores to list.

    Args:
        image: its file name; see :func:`readable_name`.
        model: name of the model.
        prediction: all scores.
        scores: those to list.
        lean: leave the descriptions out, which are nine tenths of a record.
        translations: add the translation of each tag, "" where it has none.
    """
    written = []
    for score in scores:
        fields = score.to_dict()
        if lean:
            del fields["descriptions"]
        written.append({"tag": score.tag, "translation": score.translation, **fields} if translations else fields)
    known = {"unlike": prediction.unlike} if prediction.strength is not None else {}
    return {"image": readable_name(image), "model": model, **known, "tags": prediction.tags, "scores": written}


def readable_name(name: str) -> str:
    r"""Return a file name as text that every reader accepts: bytes that are not UTF-8 become ``\xe9`` and the like."""
    try:
        name.encode()
        return name
    except UnicodeEncodeError:
        return os.fsencode(name).decode("utf-8", "backslashreplace")


def harmless(cell: Any) -> Any:
    """Return a cell for CSV that no spreadsheet interprets as a formula; such text gets a leading apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell


def harmless_name(name: str) -> str:
    """Return the name of a file for CSV: where a spreadsheet would take it for a formula, with "./" before it."""
    return f"./{name}" if name.startswith(FORMULA_STARTS) else name


@dataclass(frozen=True)
class CsvForm:
    """Format of a CSV file.

    Args:
        delimiter: between cells.
        decimal: point or comma of numbers.
        mark: whether a byte order mark tells Excel that the file is UTF-8.
        columns: their names.
    """

    delimiter: str = ","
    decimal: str = "."
    mark: bool = False
    columns: tuple[str, ...] = TAG_COLUMNS

    @property
    def kind(self) -> RecordKind:
        """Kind of its records."""
        return CAPTIONS if self.columns == CAPTION_COLUMNS else TAGS

    @property
    def heading(self) -> str:
        """First line of the file."""
        return (_MARK if self.mark else "") + self.delimiter.join(self.columns) + "\n"

    @classmethod
    def of(cls, heading: str) -> CsvForm:
        """The form of a file that :class:`Csv` wrote, from its first line.

        Raises:
            ValueError: it is no such file.
        """
        for form in ALL_CSV:
            form = replace(form, mark=heading.startswith(_MARK))
            if heading.rstrip("\r\n") == form.heading.rstrip("\n"):
                return form
        raise ValueError(f"{heading!r:.80} is not the heading of a table of tags or captions")

    def cell(self, value: Any) -> Any:
        """A cell that no spreadsheet takes for a formula, a number with the decimal sign."""
        return str(value).replace(".", self.decimal) if isinstance(value, float) else harmless(value)


PLAIN_CSV = CsvForm()
EXCEL_CSV = {"comma": CsvForm(mark=True), "semicolon": CsvForm(";", ",", mark=True)}
"""By the list separator of the system's language; where it is the semicolon, numbers have a decimal comma."""
ALL_CSV = tuple(
    replace(form, columns=columns)
    for form in (PLAIN_CSV, *EXCEL_CSV.values())
    for columns in (TAG_COLUMNS, TRANSLATED_COLUMNS, CAPTION_COLUMNS)
)


class Output(Protocol):
    """A text file that reports are written to."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> object: ...


class Report(Protocol):
    """Receives records one by one."""

    def add(self, record: Record) -> None: ...

    def finish(self) -> None: ...


class JsonLines:
    """One JSON object per line and image; an interrupted run leaves whole lines."""

    def __init__(self, file: Output) -> None:
        self._file = file

    def add(self, record: Record) -> None:
        self._file.write(json.dumps(record) + "\n")
        self._file.flush()

    def finish(self) -> None: ...


class Csv:
    """One row for each listed tag of each image, with the description of the greatest weight; or one for its caption.

    Args:
        file: where it is written, the rows of an image in one step.
        form: delimiter, decimal sign and byte order mark.
        heading: begin with the names of the columns.
    """

    def __init__(self, file: Output, form: CsvForm = PLAIN_CSV, heading: bool = True) -> None:
        self._file = file
        self._form = form
        if heading:
            file.write(form.heading)

    def add(self, record: Record) -> None:
        image = harmless_name(record["image"]), record["model"]
        rows: list[tuple[Any, ...]] = []
        if self._form.kind is CAPTIONS:
            rows.append((*image, record["caption"], "; ".join(record["tags"])))
        for score in record.get("scores", ()):
            first: Mapping[str, Any] = next(iter(score.get("descriptions", ())), {})
            row = {**score, "description": first.get("text", ""), "weight": first.get("weight", "")}
            rows.append((*image, *(row.get(column, "") for column in self._form.columns[2:])))
        self._file.write(self._text(rows))
        self._file.flush()

    def finish(self) -> None: ...

    def _text(self, rows: Iterable[Iterable[Any]]) -> str:
        text = io.StringIO()
        table = csv.writer(text, delimiter=self._form.delimiter, lineterminator="\n")
        table.writerows(map(self._form.cell, row) for row in rows)
        return text.getvalue()


class Coco:
    """One COCO document of image-level labels, without boxes.

    ``images`` are in the order of the records, ``categories`` are all scored tags in the vocabulary's order; ids count
    from 1. An annotation is ``{"id", "image_id", "category_id", "score"}`` for each tag over its threshold, and
    ``info`` names the model.

    Args:
        file: where :meth:`finish` writes the document.
        tags: that are scored.
        begun: a document of this class that is continued.
    """

    def __init__(self, file: Output, tags: Sequence[str], begun: Mapping[str, Any] | None = None) -> None:
        self._file = file
        begun = begun or {}
        self._info: dict[str, Any] = dict(begun.get("info", {"description": "tags of images, without boxes"}))
        self._images: list[dict[str, Any]] = list(begun.get("images", ()))
        self._categories: list[dict[str, Any]] = list(begun.get("categories", ()))
        self._annotations: list[dict[str, Any]] = list(begun.get("annotations", ()))
        self._ids = {category["name"]: category["id"] for category in self._categories}
        self._image_id, self._label_id = _highest(self._images), _highest(self._annotations)
        for tag in tags:
            if tag not in self._ids:
                self._ids[tag] = _highest(self._categories) + 1
                self._categories.append({"id": self._ids[tag], "name": tag})

    def add(self, record: Record) -> None:
        self._info["model"] = record["model"]
        self._image_id += 1
        image = {"id": self._image_id, "file_name": record["image"]}
        self._images.append({**image, "width": record["width"], "height": record["height"]})
        present = set(record["tags"])
        for score in record["scores"]:
            if score["tag"] in present:
                self._label_id += 1
                label = {"id": self._label_id, "image_id": image["id"], "category_id": self._ids[score["tag"]]}
                self._annotations.append({**label, "score": score["probability"]})

    def document(self) -> dict[str, Any]:
        """The document of the records so far."""
        return {
            "info": self._info,
            "images": self._images,
            "categories": self._categories,
            "annotations": self._annotations,
        }

    def finish(self) -> None:
        self._file.write(json.dumps(self.document()))


def _highest(entries: Sequence[Mapping[str, Any]]) -> int:
    """The last id; ids ascend."""
    return max((entry["id"] for entry in entries[-1:]), default=0)
