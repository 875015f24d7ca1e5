"""Speed and memory on one CUDA card: looks, scores and training steps, in at most eight minutes.

python -m benchmarks.gpu [PART ...] [--output gpu.json] [--markdown] [--tiny]
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.gpu.bounded import Measurement, Result, attempt
from benchmarks.gpu.card import Card
from benchmarks.gpu.looks import compiled_looks, plain_looks
from benchmarks.gpu.materials import Materials
from benchmarks.gpu.plan import TINY, WHOLE
from benchmarks.gpu.report import Table
from benchmarks.gpu.scores import category, curves, tags
from benchmarks.gpu.training_rate import training
from ram.cli.options import check_writable, positive
from ram.cli.terminal import say
from ram.errors import InputError
from ram.runtime import find_device
from ram.text.files import write_json

SECONDS = 450
"""Together with the start of Python and the end of the last measurement these are less than eight minutes."""

PARTS: Mapping[str, Callable[[Materials], Iterator[Measurement]]] = {
    "look": plain_looks,
    "tags": tags,
    "category": category,
    "training": training,
    "figure7": curves,
    "compiled": compiled_looks,
}
"""Part name to its measurements; the last ones are left out first where time is short."""

NO_CARD = (
    "There is no CUDA GPU here, so nothing was measured: run this on a machine that has one, or try the command on the "
    "CPU with `python -m benchmarks.gpu --tiny`."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the parts that are named, or all; 2 where there is no card or a bad argument, 1 after an error."""
    began = time.perf_counter()
    args = _parser().parse_args(arguments)
    try:
        _check(args)
    except InputError as error:
        say(str(error))
        return 2
    card = Card(find_device("auto"))
    if not card.is_gpu and not args.tiny:
        say(NO_CARD)
        return 2
    machine, table, results = card.describe(), Table(args.markdown), list[Result]()
    table.begin(machine)
    for measurement in _measurements(args.parts or list(PARTS), Materials(TINY if args.tiny else WHOLE, card)):
        card.release()
        limit = measurement.limit * args.seconds / SECONDS
        left = began + args.seconds - time.perf_counter()
        results.append(attempt(dataclasses.replace(measurement, limit=limit), left))
        table.add(results[-1])
        document = {"machine": machine, "tiny": args.tiny, "results": [dataclasses.asdict(one) for one in results]}
        write_json(args.output, document, indent=1)
    table.curves(results)
    return int(any(result.failed for result in results))


def _measurements(parts: Sequence[str], materials: Materials) -> Iterator[Measurement]:
    for part in parts:
        yield from PARTS[part](materials)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.gpu",
        description="Measure speed and memory on one CUDA card: Swin-L at 384 pixels, 4,585 tags of 51 descriptions, "
        "training steps; random weights and images. What does not fit into the time or the memory is left out.",
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of {', '.join(PARTS)} (all)")
    parser.add_argument(
        "--seconds", type=positive, default=SECONDS, metavar="S", help="in all; limits follow (%(default)s)"
    )
    parser.add_argument("--output", type=Path, default=Path("gpu.json"), metavar="FILE", help="JSON (%(default)s)")
    parser.add_argument("--markdown", action="store_true", help="print Markdown, to be pasted into docs/speed.md")
    parser.add_argument(
        "--tiny", action="store_true", help="tiny sizes, on the CPU too, to check that all parts run; no goal applies"
    )
    return parser


def _check(args: argparse.Namespace) -> None:
    """Refuse what is no part, and a file that cannot be written.

    Raises:
        InputError: says which, and what to do.
    """
    if unknown := [part for part in args.parts if part not in PARTS]:
        raise InputError(f"{unknown[0]!r} is not a part: choose some of {', '.join(PARTS)}")
    check_writable(args.output, (".json",))


if __name__ == "__main__":
    sys.exit(main())
