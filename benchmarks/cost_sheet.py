"""Cost sheet: processor time and disk for millions of photos, and memory for training on millions of pairs.

    python -m benchmarks.cost_sheet PHOTOS [--photos 100] [--model ram-plus-lite] [--millions 100]
    python -m benchmarks.cost_sheet --training [--pairs 14] [--processes 8]

The first tags photos with the worker function of `ram tag --engine`, with one thread, and prints what so many millions
of them cost in core-hours and gigabytes. The second counts the bytes that each process of a training run holds for the
shipped recipes at the papers' scale; it trains nothing.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import torch

from ram.cluster.parquet_results import part_file
from ram.cluster.part_tagger import PartTagger, TaggingJob
from ram.cluster.picture_parts import PART, decode, packed_parts
from ram.cluster.work_plan import PICTURES, WorkShard
from ram.images.folders import find_images
from ram.models.build import build_model
from ram.tagger_loading import load
from ram.training.data.shards import ShardPicture
from ram.training.data.sparse_tags import TagRows
from ram.training.recipe import Recipe

RECIPES = ("ram-plus-swin-base-pretrain", "ram-plus-swin-large-pretrain")
SAMPLE = 50_000
"""Pairs whose bytes are counted."""
TAGS_OF_A_PAIR = 10
CAPTION = "a person walks a small brown dog along the beach at sunset"
GB = 1e9


def tagging(photos: Path, count: int, model: str, millions: float) -> None:
    """Print the costs of tagging."""
    torch.set_num_threads(1)
    files = find_images([photos])
    chosen = random.Random(0).sample(files, min(count, len(files)))
    shard = WorkShard("0", PICTURES, tuple(map(str, chosen)))
    with tempfile.TemporaryDirectory() as folder:
        tagger = load(model)
        plain = TaggingJob(Path(folder) / "plain", model)
        seconds = {"reading and decoding": 0.0, "tagging and writing": 0.0, "the same, looks kept": 0.0}
        sizes: dict[bool, int] = {}
        warm = True
        for looks in (False, False, True):
            job = replace(plain, looks=looks, folder=Path(folder) / str(looks))
            tag = PartTagger(job, tagger)
            sizes[looks] = 0
            for part in packed_parts(shard, PART):
                began = time.process_time()
                decoded = decode(part, tagger.transform, job.limits)
                between = time.process_time()
                tag(decoded)
                end = time.process_time()
                sizes[looks] += part_file(job.folder, part.shard, part.number).stat().st_size
                if not warm:
                    seconds["reading and decoding"] += 0 if looks else between - began
                    seconds["the same, looks kept" if looks else "tagging and writing"] += end - between
            warm = False
    total = seconds["reading and decoding"] + seconds["tagging and writing"]
    what = f"{tagger.name}, {len(tagger.bank)} tags, {tagger.dtype}"
    print(f"{what}, {len(chosen)} photos of {photos.name}, one thread\n")
    print(f"| | a photo | {millions:g} million photos |\n|---|---|---|")
    for what, spent in {**seconds, "decoding and tagging": total}.items():
        each = spent / len(chosen)
        print(f"| {what} | {1000 * each:.1f} ms of a core | {each * millions * 1e6 / 3600:,.0f} core-hours |")
    for looks, size in sizes.items():
        each = size / len(chosen)
        what = "Parquet with looks" if looks else "Parquet without looks"
        print(f"| {what} | {each / 1000:.2f} KB | {each * millions / 1000:,.0f} GB |")


def training(pairs: float, processes: int) -> None:
    """Print the memory of training."""
    images = int(pairs * 1e6)
    print(f"| recipe | weights | a process, whole | a process of {processes}, sharded | bank |\n|---|---|---|---|---|")
    for name in RECIPES:
        recipe = Recipe.load(name)
        with torch.device("meta"):
            model = build_model(recipe.model)
        weights = sum(parameter.numel() for parameter in model.parameters())
        learning = 4 * weights * (5 if recipe.schedule.average else 4)  # weights, gradients, two moments, average
        bank = 4585 * 51 * recipe.model.dim * 4
        whole, sharded = learning / GB, learning / processes / GB
        print(f"| {name} | {weights / 1e6:.0f} M | {whole:.2f} GB | {sharded:.2f} GB | {bank / GB:.2f} GB |")
    each = _bytes_of_a_pair()
    print(f"\n{pairs:g} million pairs in the main memory of every process:\n\n| | a pair | all |\n|---|---|---|")
    for what, size in {**each, "embedding of a caption, 512 float32": 2048, "order of an epoch": 8}.items():
        print(f"| {what} | {size:.0f} bytes | {size * images / GB:.1f} GB |")


def _bytes_of_a_pair() -> dict[str, float]:
    """Bytes of a picture in a shard, its caption and its tags, counted on made-up ones."""
    draw = random.Random(0)
    shards = [Path(f"train-{number:05}.tar") for number in range(SAMPLE // 1000)]
    tracemalloc.start()
    pictures = tuple(
        ShardPicture(shards[i // 1000], f"{i:09}.jpg", 512 * i * 1000 + 2**20, 60_000 + i) for i in range(SAMPLE)
    )
    first = tracemalloc.get_traced_memory()[0]
    captions = tuple((f"{CAPTION} {i}",) for i in range(SAMPLE))
    second = tracemalloc.get_traced_memory()[0]
    assert len(pictures) == len(captions)  # they are held until here
    tracemalloc.stop()
    tags = [tuple(draw.sample(range(4585), TAGS_OF_A_PAIR)) for _ in range(SAMPLE)]
    sparse = TagRows.of(tags, 4585)
    stored = sum(part.numel() * part.element_size() for part in (sparse.ids, sparse.first, sparse.row))
    return {
        "place in its shard": first / SAMPLE,
        f"caption of {len(CAPTION)} characters": (second - first) / SAMPLE,
        f"{TAGS_OF_A_PAIR} tags": stored / SAMPLE,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="?", type=Path, metavar="PHOTOS", help="folder of photos")
    parser.add_argument("--photos", dest="count", type=int, default=100, metavar="N", help="photos that are tagged")
    parser.add_argument("--model", default="ram-plus-lite")
    parser.add_argument("--millions", type=float, default=100)
    parser.add_argument("--training", action="store_true", help="memory of training, in place of photos")
    parser.add_argument("--pairs", type=float, default=14, metavar="MILLIONS")
    parser.add_argument("--processes", type=int, default=8)
    args = parser.parse_args()
    if args.training:
        training(args.pairs, args.processes)
    elif args.photos is None:
        parser.error("name a folder of photos, or --training")
    else:
        tagging(args.photos, args.count, args.model, args.millions)


if __name__ == "__main__":
    main()
