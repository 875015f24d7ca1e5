"""Recall and time of a shortlist against scoring every tag.

    python -m benchmarks.shortlist PACK PICTURE|FOLDER... [--model ram-plus-lite] [--sizes 50 100 200 500 1000 2000]

The tags of the pack join the model's own. Seconds are one thread's processor time after the look, medians of a picture.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ram.images.folders import find_images
from ram.models.image_encoder import ImageFeatures
from ram.prediction import Prediction
from ram.tagger import Tagger
from ram.tagger_loading import load

SIZES = (50, 100, 200, 500, 1000, 2000)
TOPS = (5, 10)


@dataclass(frozen=True)
class Measured:
    """Results of one shortlist size, or of the whole bank, over all images.

    Args:
        held: how many tags of each group were decoded.
        seconds: of each picture.
    """

    held: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)


def wanted(exact: Prediction, own: Iterable[str]) -> dict[str, list[str]]:
    """Return the groups of tags that a shortlist should contain: the top ones, and those over their thresholds."""
    taught = set(own)
    return {f"top {most}": [score.tag for score in exact.top(most)] for most in TOPS} | {
        "over": exact.tags,
        "over, of the pack": [tag for tag in exact.tags if tag not in taught],
    }


def measure(
    tagger: Tagger, looks: Iterable[ImageFeatures], sizes: Sequence[int], own: Sequence[str] = ()
) -> dict[int, Measured]:
    """Map sizes to their results; 0 stands for no shortlist."""
    measured = {size: Measured() for size in (0, *sizes)}
    for features in looks:
        groups: Mapping[str, Sequence[str]] = {}
        for size, of_size in measured.items():
            began = time.process_time()
            shown = tagger.score(features, tagger.shortlist(features, size) if size else None)
            of_size.seconds.append(time.process_time() - began)
            groups = groups or wanted(shown, own)
            of_size.held.update({name: sum(tag in shown.vocabulary for tag in tags) for name, tags in groups.items()})
    return measured


def table(measured: Mapping[int, Measured]) -> Iterator[str]:
    """Format recall in percent and seconds as a Markdown table."""
    exact = measured[0]
    yield f"| shortlist | {' | '.join(exact.held)} | seconds |"
    yield "|---" * (len(exact.held) + 2) + "|"
    for size, of_size in measured.items():
        recalls = (f"{100 * of_size.held[name] / most:.1f}" if most else "-" for name, most in exact.held.items())
        yield f"| {size or 'none'} | {' | '.join(recalls)} | {statistics.median(of_size.seconds):.3f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path, metavar="PACK", help="of `ram pack`")
    parser.add_argument("pictures", nargs="+", metavar="PICTURE", help="a picture, or a folder of pictures")
    parser.add_argument("--model", default="ram-plus-lite")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="N")
    args = parser.parse_args()
    torch.set_num_threads(1)
    tagger = load(args.model, device="cpu")
    own, pictures = tagger.bank.vocabulary.tags, find_images(args.pictures)
    tagger = tagger.with_bank(tagger.bank.override(tagger.load_pack(args.pack)))
    measured = measure(tagger, map(tagger.look, pictures), args.sizes, own)
    over = measured[0].held["over"] / len(pictures)
    print(f"{tagger.name}, {len(tagger.bank)} tags, {len(pictures)} pictures, {over:.1f} tags over thresholds in each")
    print("\n".join(table(measured)))


if __name__ == "__main__":
    main()
