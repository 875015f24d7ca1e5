"""``ram bench``: speed and memory at the papers' size, as ratios to a plain reference, in one run."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import sys
from pathlib import Path
from typing import Any

import ram
from ram.cli.options import add_json_option, positive
from ram.cli.terminal import Progress, print_json, print_table

HEAD = ("", "reference", "ours", "", "value", "bar", "", "")
PARTS = ("reweighting", "picture", "compiled", "memory", "tags", "category", "folder")


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "bench",
        help="measure speed and memory",
        description="Measure speed and memory against a plain form of the published computation: Swin-L at 384 "
        "pixels, 4,585 tags of 51 descriptions, random weights. Needs 8 GB of memory, a few minutes, and a machine "
        "that does nothing else; the reference is kept beside the package, so run it in a checkout.",
        epilog="example: ram bench reweighting picture --json",
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of {', '.join(PARTS)} (all)")
    parser.add_argument("--threads", type=positive, default=2, metavar="N", help="threads (%(default)s)")
    parser.add_argument(
        "--rounds",
        type=positive,
        default=5,
        metavar="N",
        help="medians of so many, fewer where that takes over a minute (%(default)s)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes: is everything in order? No bar is meant for it"
    )
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if unknown := [part for part in args.parts if part not in PARTS]:
        raise ValueError(f"{unknown[0]!r} is no part: choose some of {', '.join(PARTS)}")
    root = Path(ram.__file__).parents[1]
    if not (root / "benchmarks" / "speed.py").is_file():
        raise ValueError("the reference is kept beside the package: run `ram bench` in a checkout of the repository")
    if str(root) not in sys.path:
        sys.path.append(str(root))
    import torch

    speed, measuring = (importlib.import_module(f"benchmarks.{name}") for name in ("speed", "measuring"))
    threads = torch.get_num_threads()
    torch.set_num_threads(args.threads)
    size = speed.QUICK if args.quick else speed.FULL
    parts = args.parts or PARTS
    lines: list[Any] = []
    try:
        machine = measuring.machine()
        if not args.json:
            print(", ".join(f"{name} {value}" for name, value in machine.items()))
        for done, part in enumerate(parts):
            with Progress() as progress, torch.inference_mode():
                progress(f"measuring {part}", done, len(parts))
                measured = list(speed.PARTS[part](size, args.rounds))
            if not args.json:  # a part at a time, so that a long run that is broken off has said something
                print_table([HEAD, *map(_row, measured)], "<>><><<<")
            lines += measured
    finally:
        torch.set_num_threads(threads)
    if args.json:
        print_json({"machine": machine, "quick": args.quick, "lines": [dataclasses.asdict(line) for line in lines]})
    return 0


def _row(line: Any) -> tuple[str, ...]:
    held = "holds" if line.holds else "missed"
    numbers = (f"{line.reference:.3g}", f"{line.ours:.3g}", line.unit, f"{line.value:.3g}")
    return (line.what, *numbers, line.bar, held, line.note)
