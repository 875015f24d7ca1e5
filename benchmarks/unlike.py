"""Measure how well a model tells drawn pictures from photos, and choose the cut for its configuration.

    python -m benchmarks.unlike ram/pretrained/ram-plus-lite DATA [--every 4] [--drawn 50]

Photos are those of the development sets that ``benchmarks.training_data`` wrote, without paintings; the cut is a
quantile over them (see ``benchmarks/ship_model.py``). No drawn picture has a part in it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from benchmarks.development_sets import FILES, PAINTED, look
from benchmarks.drawn_pictures import KINDS
from benchmarks.ship_model import fit_cut, strengths
from ram.checkpoints.model_folder import load_model
from ram.images.transforms import EvalTransform


def development_photos(data: Path, every: int = 1) -> list[Path]:
    """Every n-th photo of the development sets, without paintings."""
    photos = [
        data / folder / entry["image_path"]
        for name, folder in FILES.items()
        for entry in json.loads((data / f"{name}.json").read_text(encoding="utf-8"))
    ]
    return [photo for photo in photos if photo.parent.name not in PAINTED][::every]


def area_under_roc(low: NDArray[np.float32], high: NDArray[np.float32]) -> float:
    """Share of all pairs in which ``low``'s value is the lower one; a tie counts half."""
    below = (low[:, None] < high).mean()
    return float(below + (low[:, None] == high).mean() / 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="look at every N-th photo only")
    parser.add_argument("--drawn", type=int, default=50, help="pictures of each kind")
    args = parser.parse_args()
    config, model, bank = load_model(args.model)
    image = config.image
    see = EvalTransform(image.size, image.mean, image.std, image.interpolation)

    def measure(images: Sequence[Path | Image]) -> NDArray[np.float32]:
        return strengths(model, look(images, model, see), bank)

    photos = measure(development_photos(args.data, args.every))
    cut = fit_cut(photos)
    print(f"{config.name}: unlike below {cut}, of {len(photos)} photos with a median of {np.median(photos):.2f}")
    for name, draw in KINDS.items():
        drawn = measure([draw(seed) for seed in range(args.drawn)])
        print(f"{name}: area {area_under_roc(drawn, photos):.3f}, below the cut {(drawn < cut).mean():.0%}")


if __name__ == "__main__":
    main()
