"""The tables of docs/taggers.md, generated from the result file.

    python -m benchmarks.taggers_table [--results benchmarks/results/taggers.json] [--document docs/taggers.md]

The text between the two markers of the document is replaced; everything else stays.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

from benchmarks.tables.result_files import RESULTS
from benchmarks.taggers_file import Comparison, read_comparison
from ram.errors import InputError

BEGIN, END = "<!-- generated: python -m benchmarks.taggers_table -->", "<!-- end of the generated part -->"
DOCUMENT = Path(__file__).parents[1] / "docs" / "taggers.md"
COLUMNS = {
    "mAP": "mAP", "precision": "precision", "recall": "recall", "hard_negatives_predicted": "hard negatives",
    "calibration_error": "ECE", "tags_a_photo": "tags", "processor_seconds_a_photo": "CPU s", "seconds_a_photo": "s",
    "tokens_a_photo": "tokens",
}  # fmt: skip
"""Field of a row to the heading of its column."""
PERCENT = ("mAP", "precision", "recall", "hard_negatives_predicted", "calibration_error")
TITLES = {"all": "All photos", "held-out": "The held-out third", "choice": "The part choice"}
WIDEST = 118


def table_head() -> tuple[str, ...]:
    """Headings of all columns."""
    return ("method", *COLUMNS.values())


def row_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The figures of a row as text; a dash where a method has no such figure."""
    cells = []
    for name in COLUMNS:
        value = row[name]
        if value is None:
            cells.append("-")
        elif name in PERCENT:
            cells.append(f"{100 * value:.1f}")
        else:
            cells.append(f"{value:.0f}" if name == "tokens_a_photo" else f"{value:.2f}")
    return tuple(cells)


def as_markdown(found: Comparison) -> str:
    """One table for each part, the machine, notes, and the methods that were not run."""
    blocks = []
    for part, counts in found.parts.items():
        about = (
            f"{TITLES[part]}: {counts['photos']} photos, {counts['tags_with_a_positive']} tags that are present "
            f"somewhere, {counts['present_a_photo']:.1f} a photo, {counts['hard_negatives']} hard negatives."
        )
        rows = [(name.rpartition(", ")[0], row) for name, row in found.rows.items() if name.endswith(f", {part}")]
        lines = [table_head(), ("---",) * len(table_head()), *((method, *row_cells(row)) for method, row in rows)]
        blocks += [fill(about, WIDEST), "\n".join(f"| {' | '.join(cells)} |" for cells in lines)]
    blocks.append(fill(_machine(found), WIDEST, break_on_hyphens=False))
    remarks = [f"{method}: {note}." for method, note in found.notes.items()]
    for reason, methods in _by_reason(found.not_run).items():
        remarks.append(f"{' and '.join(methods)}: not run: {reason}.")
    blocks.append("\n".join(_item(remark) for remark in remarks))
    return "\n\n".join(filter(None, blocks))


def with_table(document: str, table: str) -> str:
    """The document with the table between the markers.

    Raises:
        InputError: it lacks a marker, or has one twice.
    """
    if document.count(BEGIN) != 1 or document.count(END) != 1 or document.index(BEGIN) > document.index(END):
        raise InputError(f"the document needs one line {BEGIN!r}, and below it one line {END!r}")
    return f"{document.partition(BEGIN)[0]}{BEGIN}\n\n{table}\n\n{END}{document.partition(END)[2]}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.taggers_table", description=__doc__.partition("\n")[0])
    parser.add_argument("--results", type=Path, default=RESULTS / "taggers.json", metavar="FILE", help="(%(default)s)")
    parser.add_argument("--document", type=Path, default=DOCUMENT, metavar="FILE", help="(%(default)s)")
    args = parser.parse_args(arguments)
    try:
        changed = with_table(args.document.read_text(encoding="utf-8"), as_markdown(read_comparison(args.results)))
    except InputError as error:
        parser.exit(2, f"{error}\n")
    args.document.write_text(changed, encoding="utf-8")
    print(args.document)


def _machine(found: Comparison) -> str:
    of, threads = found.machine, found.machine["threads"]
    load = "" if of.get("load") is None else f", load {of['load']:g} at the start"
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    return (
        f"In percent but for the last four columns. {found.date}, {of['processor']}, {of['cores']} cores, {threads} "
        f"thread{'s' if threads > 1 else ''}{load}, Python {of['python']}, {versions}."
    )


def _by_reason(not_run: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for method, reason in not_run.items():
        found.setdefault(reason, []).append(method)
    return found


def _item(text: str) -> str:
    return fill(
        text, WIDEST, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False, break_long_words=False
    )


if __name__ == "__main__":
    main()
