"""Speed and memory of our model against the plain reference, part by part, each line with its bar.

python -m benchmarks.speed [PART ...] [--threads N] [--rounds N] [--quick] [--json]
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.measuring import in_turns, machine, straightness
from benchmarks.reference import Reference
from benchmarks.setting import (
    FULL,
    QUICK,
    Size,
    category_sentences,
    pictures,
    random_bank,
    random_model,
    typed_category,
)
from ram.cli.options import add_json_option, positive
from ram.cli.terminal import Progress, print_json, print_table
from ram.models.fast.compiling import compile_encoder
from ram.models.scoring import Scorer
from ram.models.text_encoder import ClipTextEncoder
from ram.runtime import fastest_dtype
from ram.tagger_loading import load

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Line:
    """A measurement.

    Args:
        what: name of the measurement.
        reference, ours: in ``unit``.
        value: the ratio or share that the bar is about.
        bar: what ``value`` should reach.
        holds: whether the bar is reached with an equal result.
        note: further figures.
    """

    what: str
    reference: float
    ours: float
    unit: str
    value: float
    bar: str
    holds: bool
    note: str = ""


def measure_reweighting(size: Size, rounds: int) -> Iterator[Line]:
    """Re-weighting, for one image and for four."""
    model, bank = random_model(size), random_bank(size.tags, size)
    reference = Reference(model, bank)
    for batch, bar in ((1, 5.0), (4, 10.0)):
        pooled = torch.randn(batch, size.config.dim, generator=torch.Generator().manual_seed(3))
        apart = (model.reweighting(pooled, bank)[0] - reference.reweight(pooled)).abs().max().item()
        seconds = in_turns(
            {"reference": lambda p=pooled: reference.reweight(p), "ours": lambda p=pooled: model.reweighting(p, bank)},
            rounds,
        )
        yield _ratio(f"re-weighting, batch {batch}", seconds, bar, apart < 1e-6, f"differs by {apart:.0e}")


def measure_picture(size: Size, rounds: int, compiled: bool = False) -> Iterator[Line]:
    """A whole image in float32 and in the automatic dtype, with the image encoder compiled or not."""
    model, bank, pixels = random_model(size), random_bank(size.tags, size), pictures(size)
    reference = Reference(model, bank)
    wanted = reference.tag(pixels)[0]
    threshold = _threshold(wanted)
    dtype = fastest_dtype(model)
    ways: dict[str, Callable[[], torch.Tensor]] = {
        "reference": lambda: reference.tag(pixels),
        "float32": lambda: Scorer(model).score(model.look(pixels), bank).logits,
    }
    if dtype != torch.float32 or compiled:
        fast, small = copy.deepcopy(model).to(dtype), bank.to("cpu", dtype)
        if compiled:
            compile_encoder(fast.image_encoder, pixels.to(dtype))
        ways["auto"] = lambda: Scorer(fast).score(fast.look(pixels.to(dtype)), small).logits.float()
    seconds = in_turns(ways, rounds)
    for name in list(ways)[1:]:
        found = ways[name]()[0]
        changed = int(((found > threshold) != (wanted > threshold)).sum())
        note = (
            f"{int((wanted > threshold).sum())} tags over the threshold, {changed} other; logits differ by "
            f"{(found - wanted).abs().max().item():.0e}, their deviation is {wanted.std().item():.2f}"
        )
        shown = "float32" if name == "float32" else f"automatic setting, {_name(dtype)}"
        shown += ", compiled" if compiled and name == "auto" else ""
        pair = {"reference": seconds["reference"], "ours": seconds[name]}
        yield _ratio(f"whole picture, {shown}", pair, 3.5, changed == 0, note)


def measure_memory(size: Size, rounds: int) -> Iterator[Line]:
    """Memory that one call adds to the weights, each in a process of its own."""
    quick = ["--quick"] if size is QUICK else []
    added = {}
    for way in ("reference", "ours"):
        command = [sys.executable, "-m", "benchmarks.call_memory", way, str(torch.get_num_threads()), *quick]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        added[way] = json.loads(done.stdout) / 1e6
    reference, ours = added["reference"], added["ours"]
    yield Line("memory one call adds, float32", reference, ours, "MB", ours, "at most 150 MB", ours <= 150)


def measure_tags(size: Size, rounds: int) -> Iterator[Line]:
    """Scoring time, without the look, against the number of tags, in float32 and in the automatic dtype."""
    model, bank, pixels = random_model(size), random_bank(max(size.counts), size), pictures(size)
    settings = {torch.float32: model}
    if (dtype := fastest_dtype(model)) not in settings:
        settings[dtype] = copy.deepcopy(model).to(dtype)
    features = {dtype: own.look(pixels.to(dtype)) for dtype, own in settings.items()}
    taken: dict[torch.dtype, list[float]] = {dtype: [] for dtype in settings}
    below = dict.fromkeys(settings, True)
    for count in size.counts:
        some = bank.rows(slice(0, count))
        reference = Reference(model, some)
        ways: dict[str, Callable[[], object]] = {"reference": partial(reference.score, features[torch.float32].tokens)}
        for dtype, own in settings.items():
            ways[_name(dtype)] = partial(Scorer(own).score, features[dtype], some.to("cpu", dtype))
        seconds = in_turns(ways, max(1, rounds * min(20, 5000 // count)))  # what is short is repeated
        for dtype in settings:
            pair = {"reference": seconds["reference"], "ours": seconds[_name(dtype)]}
            taken[dtype].append(pair["ours"])
            below[dtype] = below[dtype] and pair["ours"] < pair["reference"]
            yield _ratio(f"scoring {count:,} tags, {_name(dtype)}", pair, 1.0, True)
    for dtype, times in taken.items():
        straight = straightness([float(count) for count in size.counts], times)
        what = f"time against tags, R squared, {_name(dtype)}"
        yield Line(what, 0.0, 0.0, "", straight, "at least 0.99", below[dtype] and straight >= 0.99)


def measure_category(size: Size, rounds: int) -> Iterator[Line]:
    """Embedding and scoring a typed category, as a share of one look in the automatic dtype and of the reference's."""
    model = random_model(size)
    pixels, dtype = pictures(size), fastest_dtype(model)
    reference = Reference(model, random_bank(1, size))
    fast = copy.deepcopy(model).to(dtype)
    encoder = ClipTextEncoder(dtype=dtype, pretrained=None)
    sentences = category_sentences()
    ways = {
        "reference": lambda: reference.look(pixels),
        "ours": lambda: fast.look(pixels.to(dtype)),
        "category": typed_category(fast, encoder, sentences, fast.look(pixels.to(dtype))),
    }
    seconds = in_turns(ways, rounds)
    chosen = _name(dtype)
    for look, whose, numbers in (("ours", "our", chosen), ("reference", "the plain", "float32")):
        share = seconds["category"] / seconds[look]
        what = f"typed category against {whose} look"
        note = f"{len(sentences)} sentences in {chosen}, look in {numbers}"
        yield Line(what, seconds[look], seconds["category"], "s", share, "at most 0.15", share <= 0.15, note)


def measure_folder(size: Size, rounds: int) -> Iterator[Line]:
    """Tag a folder with the shipped model as ``ram tag FOLDER`` does on a CPU, against one photo after the other."""
    tagger = load("ram-plus-lite", "cpu")
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{i}.jpg") for i in range(size.photos)]
        generator = np.random.default_rng(0)
        for path in paths:
            coarse = Image.fromarray(generator.integers(0, 256, (24, 32, 3), np.uint8))
            coarse.resize(size.photo, Image.Resampling.BICUBIC).save(path, quality=92)

        def one_by_one() -> list[list[str]]:
            return [tagger.tag(path).tags for path in paths]

        def read_ahead() -> list[list[str]]:
            return [tagger.score(features).tags for features in tagger.look_through(paths)]  # type: ignore[arg-type]

        same = one_by_one() == read_ahead()
        seconds = in_turns({"reference": one_by_one, "ours": read_ahead}, min(rounds, 3))
    rates = {name: len(paths) / taken for name, taken in seconds.items()}
    ratio = rates["ours"] / rates["reference"]
    note = f"JPEG of {size.photo[0]} x {size.photo[1]}; one by one on the left"
    yield Line(
        "folder, ram-plus-lite",
        rates["reference"],
        rates["ours"],
        "pictures/s",
        ratio,
        "at least 1.3x",
        same and ratio >= 1.3,
        note,
    )


PARTS: Mapping[str, Callable[[Size, int], Iterator[Line]]] = {
    "reweighting": measure_reweighting,
    "picture": measure_picture,
    "compiled": partial(measure_picture, compiled=True),
    "memory": measure_memory,
    "tags": measure_tags,
    "category": measure_category,
    "folder": measure_folder,
}
"""Part name to the function that measures it."""


def _ratio(what: str, seconds: Mapping[str, float], bar: float, same: bool, note: str = "") -> Line:
    ratio = seconds["reference"] / seconds["ours"]
    return Line(
        what, seconds["reference"], seconds["ours"], "s", ratio, f"at least {bar:g}x", same and ratio >= bar, note
    )


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _threshold(logits: torch.Tensor) -> float:
    """Return a threshold in the widest gap among the 10th to 40th highest logits of random weights."""
    high = logits.sort(descending=True).values[9:41]
    gap = int((high[:-1] - high[1:]).argmax())
    return float(high[gap] + high[gap + 1]) / 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the parts that are named, or all, and print a table or a JSON document."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.speed",
        description="Measure speed and memory against a plain form of the published computation: Swin-L at 384 pixels, "
        "4,585 tags of 51 descriptions, random weights. Needs 8 GB of memory, a few minutes and an idle machine.",
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of {', '.join(PARTS)} (all)")
    parser.add_argument("--threads", type=positive, default=2, metavar="N", help="threads (%(default)s)")
    parser.add_argument(
        "--rounds", type=positive, default=5, metavar="N", help="rounds per median, fewer after a minute (%(default)s)"
    )
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to check that all parts run; no bar applies")
    add_json_option(parser)
    args = parser.parse_args(arguments)
    if unknown := [part for part in args.parts if part not in PARTS]:
        parser.error(f"{unknown[0]!r} is not a part: choose some of {', '.join(PARTS)}")
    before = torch.get_num_threads()
    torch.set_num_threads(args.threads)
    try:
        lines = _measure(args.parts or list(PARTS), QUICK if args.quick else FULL, args.rounds, shown=not args.json)
        if args.json:
            results = [dataclasses.asdict(line) for line in lines]
            print_json({"machine": machine(), "quick": args.quick, "lines": results})
    finally:
        torch.set_num_threads(before)
    return 0


def _measure(parts: Sequence[str], size: Size, rounds: int, shown: bool) -> list[Line]:
    """Measure part after part; with ``shown``, print each part's table as it is done."""
    if shown:
        print(", ".join(f"{name} {value}" for name, value in machine().items()))
    lines: list[Line] = []
    for done, part in enumerate(parts):
        with Progress() as progress, torch.inference_mode():
            progress(f"measuring {part}", done, len(parts))
            measured = list(PARTS[part](size, rounds))
        if shown:
            print_table([("", "reference", "ours", "", "value", "bar", "", ""), *map(_row, measured)], "<>><><<<")
        lines += measured
    return lines


def _row(line: Line) -> tuple[str, ...]:
    figures = (f"{line.reference:.3g}", f"{line.ours:.3g}", line.unit, f"{line.value:.3g}")
    return (line.what, *figures, line.bar, "holds" if line.holds else "missed", line.note)


if __name__ == "__main__":
    sys.exit(main())
