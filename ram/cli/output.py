"""Reports of tagged pictures: a table, one JSON document, JSON lines, or CSV."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from ram.cli.terminal import bar, print_json, print_table, printable
from ram.export.formats import Csv, JsonLines, Record, Report

SUFFIXES = (".jsonl", ".csv")


class TextReport:
    """Print a small table per picture on standard output."""

    def add(self, record: Record) -> None:
        print(printable(record["image"]))
        if record["scores"]:
            over = set(record["tags"])
            print_table([score_row(s["tag"], s, s["tag"] in over) for s in record["scores"]], "<<<>")
        else:
            print("  no tag is over the threshold")

    def finish(self) -> None: ...


class JsonReport:
    """Print all pictures as one JSON list on standard output at the end."""

    def __init__(self) -> None:
        self._records: list[Record] = []

    def add(self, record: Record) -> None:
        self._records.append(record)

    def finish(self) -> None:
        print_json(self._records)


def open_report(stack: ExitStack, path: Path) -> Report:
    """Open a report file in the format of its suffix; the stack closes it."""
    file = stack.enter_context(open(path, "w", encoding="utf-8", errors="surrogateescape", newline=""))
    return JsonLines(file) if path.suffix.lower() == ".jsonl" else Csv(file)


def score_row(name: str, score: Record, over: bool) -> Sequence[str]:
    """Cells of one score: name, probability and threshold, bar, weight and text of the heaviest description."""
    first = score["descriptions"][0]
    against = f"{score['probability']:.2f} {'>' if over else '<'} {score['threshold']:.2f}"
    return name, against, bar(score["probability"]), f"{first['weight']:.0%}", first["text"]
