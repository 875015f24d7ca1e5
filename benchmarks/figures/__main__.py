"""Draw the figures of RAM++ from our own runs, as PNG and SVG.

    python -m benchmarks.figures [--figure 2 6 8 9 10] [--output docs/images] [--results FOLDER]

2 bars of mAP, 6 distribution of probabilities, 10 word clouds: from ``benchmarks/results``, which ``python -m
benchmarks.lite`` writes. 8 and 9 ask the shipped models about the example photos. 7 is measured by ``python -m
benchmarks.figure7``, which takes minutes: it is drawn where it is named. 10 needs the extra ram[figures].
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import figure7
from benchmarks.figures.bars import bars_figure
from benchmarks.figures.clouds import draw_clouds
from benchmarks.figures.examples import EXAMPLES, example_figures
from benchmarks.figures.histograms import histograms_figure
from benchmarks.lite.sets import TITLES
from benchmarks.tables.result_files import RESULTS, ResultFile, read_results
from ram.errors import InputError, RamError
from ram.tagger_loading import load

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES = (2, 6, 7, 8, 9, 10)
QUICK = (2, 6, 8, 9, 10)
EXAMPLE_DPI = 80
"""Dots per inch of Figures 8 and 9 as PNG: each holds a photo, and a web page needs no more."""
MODELS = {"RAM": "ram-lite", "RAM++": "ram-plus-lite"}
"""Name in Figures 8 and 9 to shipped model."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.figures", description=__doc__.partition("\n")[0])
    parser.add_argument("--figure", type=int, nargs="+", choices=FIGURES, default=QUICK, help="(all but 7)")
    parser.add_argument("--output", type=Path, default=Path("docs/images"), metavar="FOLDER", help="(%(default)s)")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER", help="our figures (%(default)s)")
    args = parser.parse_args(arguments)
    args.output.mkdir(parents=True, exist_ok=True)
    code = 0
    for number in args.figure:
        try:
            for path in draw(number, args.output, args.results):
                print(path)
        except RamError as error:
            print(f"figure {number}: {error}", file=sys.stderr)
            code = 2
    return code


def draw(number: int, output: Path, results: Path = RESULTS) -> list[Path]:
    """Draw one figure and return its files.

    Raises:
        InputError: its results are not there; the message names the command that writes them.
        MissingPackageError: wordcloud is not installed.
    """
    if number == 7:
        figure7.main(["--output", str(output)])
        return [output / "figure7.png", output / "figure7.svg"]
    if number == 10:
        paths = [output / "figure10.png", output / "figure10.svg"]
        draw_clouds(_needed("words", results).rows, *paths, titles=TITLES)  # type: ignore[arg-type]
        return paths
    dpi = EXAMPLE_DPI if number in EXAMPLES else None
    return [path for name, figure in _drawn(number, results) for path in save(figure, output / name, dpi)]


def save(figure: Figure, path: Path, dpi: float | None = None) -> list[Path]:
    """Write a figure as PNG and SVG, with so many pixels an inch or its own; text stays text in the SVG."""
    import matplotlib

    paths = [path.with_name(f"{path.name}.{ending}") for ending in ("png", "svg")]
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": path.name}):
        for one in paths:
            figure.savefig(one, dpi=dpi or "figure", metadata={"Date": None} if one.suffix == ".svg" else None)
    return paths


def _drawn(number: int, results: Path) -> Iterator[tuple[str, Figure]]:
    if number == 2:
        yield "figure2", bars_figure(_needed("tagging", results), TITLES)
    elif number == 6:
        yield "figure6", histograms_figure(_needed("scores", results), TITLES)
    else:
        assert number in EXAMPLES
        taggers = {label: load(name, device="cpu") for label, name in MODELS.items()}
        for name, figure in example_figures(taggers, number):
            yield f"figure{number}-{name.replace('_', '-')}", figure


def _needed(name: str, folder: Path) -> ResultFile:
    found = read_results(name, folder)
    if found is None:
        raise InputError(f"there is no {name}.json in {folder.name}: python -m benchmarks.lite DATA --only {name}")
    return found


if __name__ == "__main__":
    sys.exit(main())
