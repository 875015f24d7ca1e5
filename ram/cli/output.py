"""Reports of tagged or captioned pictures: text, one JSON document, JSON lines, or CSV."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from ram.cli.terminal import bar, json_text, print_table, printable
from ram.export.formats import Record

SUFFIXES = (".jsonl", ".csv", ".json")
CAPTION_SUFFIXES = (".jsonl", ".csv")


class TextReport:
    """Print a small table per picture on standard output."""

    def add(self, record: Record) -> None:
        print(printable(record["image"]))
        if record["scores"]:
            over = set(record["tags"])
            print_table([score_row(_name(s), s, s["tag"] in over) for s in record["scores"]], "<<<>")
        else:
            print("  no tag is over the threshold")

    def finish(self) -> None: ...


class CaptionReport:
    """Print the caption of each picture under its name on standard output."""

    def add(self, record: Record) -> None:
        print(printable(record["image"]))
        print(f"  {printable(record['caption'])}", flush=True)

    def finish(self) -> None: ...


class JsonReport:
    """Print all pictures as one JSON list on standard output, each as soon as it is done."""

    def __init__(self) -> None:
        self._count = 0

    def add(self, record: Record) -> None:
        text = textwrap.indent(json_text(record), " ")
        print(f"{',' if self._count else '['}\n{text}", end="", flush=True)
        self._count += 1

    def finish(self) -> None:
        """End the list; where a run is stopped, with what is done."""
        print("\n]" if self._count else "[]", flush=True)


def score_row(name: str, score: Record, over: bool) -> Sequence[str]:
    """Cells of one score: name, probability and threshold, bar, weight and text of the heaviest description."""
    first = next(iter(score.get("descriptions", ())), None)
    against = f"{score['probability']:.2f} {'>' if over else '<'} {score['threshold']:.2f}"
    heaviest = (f"{first['weight']:.0%}", first["text"]) if first else ("", "")
    return name, against, bar(score["probability"]), *heaviest


def _name(score: Record) -> str:
    return f"{score['tag']} {score.get('translation', '')}".rstrip()
