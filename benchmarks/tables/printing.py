"""Tables as text, Markdown or plain values."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import Any

from benchmarks.tables.our_tables import OurRow, OurTable
from benchmarks.tables.quoted_tables import QuotedTable

PAGE_HEAD = """# The papers' tables

The output of `python -m benchmarks.tables --markdown`; see [how to re-make them](remake.md). The first part of each
table is quoted from the paper. The second part is ours, on other photos and with far smaller models: compare the order
of the rows, not the figures.
"""
WIDEST = 118
QUOTED = "Quoted from the paper"
OURS = "Ours, at lite scale"


def as_markdown(quoted: QuotedTable, ours: OurTable, level: int = 2) -> str:
    """Both parts of a table under a heading; no row holds figures of both."""
    parts = [f"{'#' * level} {quoted.name}: {quoted.title}", f"{QUOTED}:"]
    parts.append(_markdown([quoted.columns, *quoted.rows]))
    parts += [fill(quoted.note, WIDEST)] if quoted.note else []
    parts += [f"{OURS}:", _markdown(_our_cells(ours))]
    parts += [fill(line, WIDEST, break_on_hyphens=False) for line in (*_from(ours, "`"), ours.says) if line]
    return "\n\n".join(parts) + "\n"


def as_text(quoted: QuotedTable, ours: OurTable) -> str:
    """Both parts in aligned columns."""
    parts = [f"{quoted.name}: {quoted.title}", "", f"{QUOTED}:", *_aligned([quoted.columns, *quoted.rows])]
    parts += [f"  {quoted.note}"] if quoted.note else []
    parts += ["", f"{OURS}:", *_aligned(_our_cells(ours))]
    parts += [f"  {line}" for line in (*_from(ours, ""), ours.says) if line]
    return "\n".join(parts) + "\n"


def as_values(quoted: QuotedTable, ours: OurTable) -> dict[str, Any]:
    """Plain values for JSON: quoted cells as printed, our figures as numbers."""
    names = ours.columns[len(ours.columns) - len(ours.digits) :]
    rows = []
    for row in ours.rows:
        entry: dict[str, Any] = dict(zip(ours.columns, row.cells, strict=False))
        if row.needs is not None:
            entry["not_run"] = row.needs
        for name, figure in zip(names, row.figures, strict=False):
            entry[name] = None if figure is None else {"mean": figure.mean, "sd": figure.sd, "seeds": figure.seeds}
        rows.append(entry)
    return {
        "paper": quoted.paper,
        "table": quoted.number,
        "title": quoted.title,
        "quoted": [dict(zip(quoted.columns, row, strict=True)) for row in quoted.rows],
        "ours": rows,
        "commands": list(ours.commands),
    }


def _our_cells(ours: OurTable) -> list[tuple[str, ...]]:
    """Rows of the whole table; what was not run says so in the column of the first figure."""
    seeds = {figure.seeds for row in ours.rows for figure in row.figures if figure is not None}
    several = bool(seeds - {1})
    lines: list[tuple[str, ...]] = [(*ours.columns, "seeds") if several else ours.columns]
    for row in ours.rows:
        cells = (*row.cells, *_figures(row, ours.digits))
        lines.append((*cells, _seeds(row)) if several else cells)
    return lines


def _figures(row: OurRow, digits: Sequence[int]) -> list[str]:
    if row.needs is not None:
        return [f"not run: needs {row.needs}", *[""] * (len(digits) - 1)]
    pairs = zip(row.figures, digits, strict=True)
    return ["-" if figure is None else figure.text(places) for figure, places in pairs]


def _seeds(row: OurRow) -> str:
    return str(max((figure.seeds for figure in row.figures if figure is not None), default=""))


def _from(ours: OurTable, quote: str) -> list[str]:
    """The commands, and on what they measured."""
    lines = [f"{about}" for about in ours.about]
    if ours.commands:
        lines.append("Command: " + "; ".join(f"{quote}{command}{quote}" for command in ours.commands))
    return lines


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    head, *others = rows
    lines = [_line(head), f"|{'---|' * len(head)}", *map(_line, others)]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    columns = [[cell for cell in column if not cell.startswith("not run")] for column in zip(*rows, strict=True)]
    widths = [max(map(len, column)) for column in columns]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return [f"  {line.rstrip()}" for line in lines]
