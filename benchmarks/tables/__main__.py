"""Print the tables of the papers: their figures quoted, ours at lite scale below.

    python -m benchmarks.tables [--paper ram_plus|ram] [--table N] [--markdown | --json] [--results FOLDER]

Our figures come from the files in ``benchmarks/results``; below each table stands the command that writes them. A row
without figures says what it needs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.tables.our_tables import load_ours
from benchmarks.tables.printing import PAGE_HEAD, as_markdown, as_text, as_values
from benchmarks.tables.quoted_tables import PAPERS, load_quoted
from benchmarks.tables.result_files import RESULTS
from ram.errors import InputError


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__.partition("\n")[0])
    parser.add_argument("--paper", choices=tuple(PAPERS), help="only this paper's tables (both)")
    parser.add_argument("--table", type=int, metavar="N", help="only this table (all)")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER", help="our figures (%(default)s)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="print Markdown")
    form.add_argument("--json", action="store_true", help="print one JSON document")
    args = parser.parse_args(arguments)
    tables = [table for paper in PAPERS if args.paper in (None, paper) for table in load_quoted(paper)]
    if args.table is not None:
        numbers = {table.number for table in tables}
        tables = [table for table in tables if table.number == args.table]
        if not tables:
            print(f"there is no table {args.table}: choose one from 1 to {max(numbers)}", file=sys.stderr)
            return 2
    try:
        filled = [(table, load_ours(table.paper, table.number, args.results)) for table in tables]
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps([as_values(*pair) for pair in filled], indent=1, ensure_ascii=False))
    else:
        if args.markdown and args.table is None and args.paper is None:
            print(PAGE_HEAD)
        print("\n".join((as_markdown if args.markdown else as_text)(*pair) for pair in filled), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
