"""Do captions and textual queries help tags (RAM, Table 4)? Trains each case and reads the dev mAP of the last pass.

    python -m benchmarks.lite.captioning DATA --output runs/captioning [--seeds 0 1 2] [--results benchmarks/results]

Each row is the first stage of tag2text-lite on Flickr8k alone, with a frozen backbone and three passes. Each run has a
folder of its own with its state, so a stopped command goes on, and a finished run is not repeated. ``DATA`` also has
the captioner's vocabulary: see the first lines of the recipe. A run takes about ten minutes of two cores.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from benchmarks.tables.recorded_commands import recorded_command
from benchmarks.tables.result_files import RESULTS, write_results
from ram.cli.terminal import Progress
from ram.errors import InputError, RamError
from ram.training.loop import train
from ram.training.recipe import Recipe

RECIPE = "tag2text-lite-frozen"
PASSES = 3
FLICKR = {
    "data.triplets": '["flickr8k_train.json"]',
    "data.pictures": '["flickr8k"]',
    "data.incomplete": "",
    "schedule.epochs": str(PASSES),
}
ROWS: Mapping[str, Mapping[str, str]] = {
    "with captions": FLICKR,
    "tags alone": {**FLICKR, "objectives.captioning": "", "losses.tagging_scaled_to": ""},
    "textual queries": {
        **FLICKR,
        "model.text_encoder": "minilm-l6",
        "model.dim": "384",
        "model.standardize_text": "true",
        "data.descriptions": "template",
    },
}
"""Row to the recipe fields that it changes."""
ABOUT = (
    "mAP in percent over all tags that occur on Flickr8k dev; first stage of tag2text-lite on Flickr8k alone, frozen "
    "backbone, three passes."
)


def recipe_of(row: str, seed: int) -> Recipe:
    """The recipe of one of :data:`ROWS`."""
    return Recipe.load(RECIPE, {**ROWS[row], "schedule.seed": str(seed)})


def run_folder(output: Path, row: str, seed: int) -> Path:
    """Folder of a run."""
    return output / f"{row.replace(' ', '-')}-{seed}"


def last_dev_map(folder: Path) -> float | None:
    """The dev mAP in percent after the last pass; None where the run is not at its end.

    Raises:
        InputError: the learning curve has no such figure.
    """
    path = folder / "log.jsonl"
    records = map(json.loads, path.read_text(encoding="utf-8").splitlines()) if path.is_file() else ()
    passes = [record for record in records if "epoch" in record]
    if len(passes) < PASSES or not (folder / "model").is_dir():
        return None
    if "dev_mAP" not in passes[-1]:
        raise InputError(f"{folder.name}/log.jsonl has no dev_mAP: the recipe needs a dev set")
    return 100 * float(passes[-1]["dev_mAP"])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.lite.captioning", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="of the runs")
    parser.add_argument("--rows", nargs="+", choices=tuple(ROWS), default=tuple(ROWS), metavar="ROW", help="(all)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="(%(default)s)")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER", help="(%(default)s)")
    parser.add_argument("--threads", type=int, metavar="N", help="(all cores)")
    args = parser.parse_args(arguments)
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    found: dict[str, dict[str, list[float]]] = {row: {"dev": []} for row in args.rows}
    try:
        with Progress() as progress:
            for seed in args.seeds:
                for row in args.rows:
                    folder = run_folder(args.output, row, seed)
                    if last_dev_map(folder) is None:
                        cache = args.output / "cache"
                        train(recipe_of(row, seed), args.data, folder, cache=cache, resume=True, progress=progress)
                    if (measured := last_dev_map(folder)) is not None:
                        found[row]["dev"].append(measured)
    except RamError as error:
        print(error, file=sys.stderr)
        return 2
    rows = {row: figures for row, figures in found.items() if figures["dev"]}
    command = f"{recorded_command(parser, args)} --output runs/captioning"
    print(write_results("captioning", command, ABOUT, rows, args.results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
