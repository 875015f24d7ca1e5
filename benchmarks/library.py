"""Library: size and loss of looks on disk, seconds to tag again and to search.

    python -m benchmarks.library BENCHMARK --images PHOTOS [--open-set] [--photos 100000] [--model ram-plus-lite]
    python -m benchmarks.library BENCHMARK --images PHOTOS --photos 0 --size 384 --grid 12 --ranks 37 24 18 9

BENCHMARK is what `ram evaluate` takes. Its photos are scored from what the network gave and from what the disk gives
back. --size and --grid let the same weights look at larger photos and give more tokens: 12 rows of 12 are as many as
those of Swin-L, whose patches are kept as a product of rank 37. For the times a library is made of the photos, and
their looks and tags are repeated, the looks with noise, until there are as many as --photos. The first search is that
of a process of its own, in which nothing is loaded but the model.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.ship_model import looking_closer
from ram.describers.by_name import describe_names
from ram.evaluation.benchmarks import Benchmark, evaluate, load_benchmark
from ram.evaluation.pictures import look_at
from ram.evaluation.tag_banks import bank_for, names_in
from ram.library.look_ranking import highest, nearest_looks, score_looks
from ram.library.looks import LookShape, LookStore
from ram.library.photo_library import SHORTLIST, PhotoLibrary
from ram.models.image_encoder import ImageFeatures
from ram.tagger import Tagger
from ram.tagger_loading import load
from ram.text.bank import TagEmbeddingBank

NOISE = 0.1
"""Standard deviation of the noise on a repeated token, relative to that of its channels."""
CATEGORIES = ("velvet armchair", "kite", "corgi", "lighthouse", "wedding", "ice hockey")
SENTENCE = "a dog on a sofa"
TOP = 100
"""Photos of the exact ranking that a shortlist should hold."""
PAGE = 60
"""Photos of a page of results."""


def loss(
    tagger: Tagger, benchmark: Benchmark, bank: TagEmbeddingBank, before: ImageFeatures, store: LookStore
) -> Iterator[str]:
    """Lines on the mean average precision of looks as the network gave them, and from disk."""
    found = zip(names_in(bank.vocabulary.tags, benchmark.tags), benchmark.tags, strict=True)
    names, known = [name or tag for name, tag in found], [True] * len(benchmark.tags)
    columns = [bank.vocabulary.id(name) for name in names]
    rows = np.arange(len(benchmark.pictures))
    with torch.inference_mode():
        parts = [tagger.score_batch(before.rows(slice(i, i + 64)), bank).logits for i in range(0, len(rows), 64)]
    scores = [torch.cat(parts), score_looks(tagger, store, rows, bank)]
    thresholds = [bank.vocabulary.thresholds[column] for column in columns]
    reports = [evaluate(one[:, columns].sigmoid().numpy(), benchmark, thresholds, known) for one in scores]
    before_ap, after_ap = (100 * (report.mean_average_precision() or 0.0) for report in reports)
    over = [logits.sigmoid().numpy() > np.array(bank.vocabulary.thresholds) for logits in scores]
    patches = f"patches of rank {store.shape.rank}" if store.shape.rank else "whole patches"
    yield f"bytes a look: {store.shape.nbytes}, {patches} (float32: {before.rows(slice(0, 1)).nbytes})"
    difference = after_ap - before_ap
    yield f"mAP of {benchmark.name}: {before_ap:.2f} as looked at, {after_ap:.2f} from disk: {difference:+.2f}"
    yield f"verdicts that changed: {(over[0] != over[1]).sum()} of {over[0].size}"


def stored_loss(
    tagger: Tagger, benchmark: Benchmark, bank: TagEmbeddingBank, features: ImageFeatures, rank: int | None
) -> Iterator[str]:
    """Lines of :func:`loss` with patches of a rank, 0 for whole ones, and None for what libraries keep."""
    shape = LookShape.of(features)
    with tempfile.TemporaryDirectory() as folder:
        store = LookStore(Path(folder), shape if rank is None else replace(shape, rank=rank))
        store.write(0, features)
        yield from loss(tagger, benchmark, bank, features, store)


def grown(folder: Path, tagger: Tagger, pictures: Sequence[Path], photos: int) -> PhotoLibrary:
    """A library in a folder of links to pictures, whose looks and tags are repeated until it has so many photos."""
    for number, picture in enumerate(pictures):
        os.symlink(os.path.abspath(picture), folder / f"{number:06}{picture.suffix}")
    library = PhotoLibrary(folder, tagger)
    library.add()
    states = [state for _, state in library.index.photos().values()]
    tags = [library.index.tags_of(int(row)) for row in library.index.rows()]
    repeated(library.looks().features(library.index.rows()), library.looks(), photos)
    for start in range(len(states), photos, len(states)):
        more = states[: photos - start]
        named = [replace(state, path=Path(f"{start}-{state.path}")) for state in more]
        library.index.add(named, tags[: len(named)])
    return library


def repeated(features: ImageFeatures, store: LookStore, photos: int) -> None:
    """Add to the looks of a store, which are these, the same with noise until there are so many."""
    generator = torch.Generator().manual_seed(0)
    deviation = features.tokens.std(dim=(0, 1)) * NOISE
    count = len(features.tokens)
    for start in range(count, photos, count):
        batch = features.rows(slice(0, min(count, photos - start)))
        noise = torch.randn(batch.tokens.shape, generator=generator) * deviation
        store.write(start, ImageFeatures(batch.tokens + noise, None, batch.class_probabilities))


def category_times(library: PhotoLibrary) -> Iterator[str]:
    """Lines on seconds for a new category, of the clock and of the processor, and on what the shortlist holds."""
    tagger, store, rows = library.tagger, library.looks(), library.index.rows()
    kept, short, exact = [], [], []
    for category in CATEGORIES:
        bank = tagger.embed([category])
        (near,), seconds = timed(lambda bank=bank: nearest_looks(tagger, store, rows, bank, SHORTLIST))
        _, scoring = timed(lambda bank=bank, near=near: score_looks(tagger, store, near, bank))
        short.append(np.add(seconds, scoring))
        scores, seconds = timed(lambda bank=bank: score_looks(tagger, store, rows, bank)[:, 0].numpy())
        exact.append(seconds)
        kept.append(np.isin(highest(scores, TOP), near).mean())
    yield f"one category, shortlist of {SHORTLIST}: {_seconds(short)}"
    yield f"one category, exactly: {_seconds(exact)}"
    recalls = ", ".join(f"{category} {100 * recall:.0f}" for category, recall in zip(CATEGORIES, kept, strict=True))
    yield f"of the exact top {TOP} the shortlist holds {100 * np.mean(kept):.1f} % ({recalls})"


def search_times(library: PhotoLibrary) -> Iterator[str]:
    """Lines on seconds of searches, of the clock and of the processor."""
    photo, (tag, *_) = library.newest(1)[0].path, library.tags
    searches: dict[str, dict[str, Any]] = {
        f'sentence, "{SENTENCE}"': {"words": SENTENCE}, f"tag, {tag}": {"all": [tag]}, "photo": {"like": photo},
    }  # fmt: skip
    for what, asked in searches.items():
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            first = pool.submit(first_search, library.tagger, library.folder, asked).result()
        library.search(**asked, most=PAGE)
        later = [timed(lambda asked=asked: library.search(**asked, most=PAGE))[1] for _ in range(5)]
        yield f"search by a {what}: first {_seconds([first])}, later {_seconds(later)}"


def first_search(tagger: Tagger, folder: Path, asked: dict[str, Any]) -> tuple[float, float]:
    """Seconds of the first search of a library in this process, which has a model and nothing else."""
    library = PhotoLibrary(folder, tagger)
    return timed(lambda: library.search(**asked, most=PAGE))[1]


def timed(work: Callable[[], object]) -> tuple:
    """Call a function; return its result, and the seconds by the clock and of processor time that it took."""
    clock, processor = time.perf_counter(), time.process_time()
    result = work()
    return result, (time.perf_counter() - clock, time.process_time() - processor)


def _seconds(measured: list) -> str:
    clock, processor = np.median(np.array(measured), axis=0)
    return f"{clock:.2f} s ({processor:.2f} s of processor time)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmark", type=Path, metavar="BENCHMARK", help="as for `ram evaluate`")
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="as for `ram evaluate`")
    parser.add_argument("--open-set", action="store_true", help="describe tags that the model lacks")
    parser.add_argument("--photos", type=int, default=100_000, metavar="N", help="looks for the times; 0: none")
    parser.add_argument("--size", type=int, metavar="PIXELS", help="side of a photo, if not that of the model")
    parser.add_argument("--grid", type=int, metavar="N", help="rows and columns of tokens, if not those of the model")
    parser.add_argument("--ranks", type=int, nargs="+", metavar="N", help="of the patches on disk; 0: whole")
    parser.add_argument("--model", default="ram-plus-lite")
    args = parser.parse_args()
    tagger = load(args.model, device="cpu")
    if args.size or args.grid is not None:
        closer = looking_closer(tagger.config, tagger.model, args.size, args.grid)
        tagger = Tagger(*closer, tagger.bank, lambda: tagger.text_encoder)
    benchmark = load_benchmark(args.benchmark, args.images)
    known = names_in(tagger.bank.vocabulary.tags, benchmark.tags)
    new = [tag for tag, name in zip(benchmark.tags, known, strict=True) if name is None]
    bank = bank_for(tagger, benchmark.tags, describe_names(new) if new and args.open_set else None)
    features = ImageFeatures.join(list(look_at(tagger, benchmark.pictures)))
    print(f"{tagger.name}, {len(benchmark.pictures)} photos, {torch.get_num_threads()} threads")
    for rank in args.ranks or [None]:
        for line in stored_loss(tagger, benchmark, bank, features, rank):
            print(line, flush=True)
    if args.photos:
        with tempfile.TemporaryDirectory() as folder:
            library = grown(Path(folder), tagger, benchmark.pictures, args.photos)
            print(f"{len(library)} looks, of {len(benchmark.pictures)} photos, repeated with noise of {NOISE}")
            for line in chain(category_times(library), search_times(library)):
                print(line, flush=True)


if __name__ == "__main__":
    main()
