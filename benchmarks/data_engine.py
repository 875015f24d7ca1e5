"""RAM's data engine at lite scale (RAM, Table 5; RAM++, Table 10): parsing, + generation, + cleaning, + fine-tuning.

    python -m benchmarks.data_engine DATA [--photos 6000] [--seeds 0 1 2] [--cache FOLDER] [--minutes 20]

Web pairs have one caption a photo, so that most tags are missing: here each training photo of Flickr8k keeps one of
its five captions. *Parsing* trains on the tags of that caption. *Generation* adds the tags that this first model finds,
over the threshold that suits the quality data best. *Cleaning* looks at nine overlapping parts of each photo and
strikes out by RAM's two rules. *Fine-tuning* goes on with the tags of all five captions of a quarter of the photos, as
COCO's captions serve in the paper. The model is a linear map of frozen features (``benchmarks/lite/aligner.py``), which
takes seconds: it stands for the data's part in RAM, not for its decoder.

Each run of a method and a seed is kept in ``data_engine.jsonl`` of the cache folder, so a stopped command goes on. Rows
of the result file that a command does not measure stay, where they have the same settings.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.data_engine_file import MODELS, KeptRuns, check_settings, write_engine
from benchmarks.lite.aligner import RATE, Aligner, train_aligner
from benchmarks.lite.frozen import frozen_patches
from benchmarks.lite.sets import chosen_rows, load_set, photos_name
from benchmarks.tables.recorded_commands import recorded_command
from benchmarks.tables.result_files import RESULTS
from ram.checkpoints.model_folder import load_model
from ram.checkpoints.registry import shipped_models
from ram.cli.terminal import Progress
from ram.errors import InputError
from ram.evaluation.metrics import mean_average_precision
from ram.evaluation.tag_banks import names_in
from ram.evaluation.tuned_rates import tuned_rates
from ram.labels.label_system import LabelSystem
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.text_encoder import encode_sentences
from ram.text.bank import TagEmbeddingBank
from ram.text.vocabulary import TagVocabulary
from ram.training.data_engine.dense_tags import half_windows
from ram.training.data_engine.region_cleaning import CleaningRules, strike_out
from ram.training.data_engine.region_looks import RegionLooks

QUALITY = 0.25
"""Share of the photos whose five captions are used."""
LEAST = 5
"""Photos that a training tag has at least, counted in all captions."""
EPOCHS, MORE_EPOCHS = 20, 10
Booleans = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Photos:
    """Training photos, as the engine knows them.

    Args:
        patches: (photos, 16, channels) of the frozen backbone, in four rows.
        one, all: (photos, tags) tags of one caption, and of all five.
        captions: (photos, dim) unit vectors of that caption.
        quality: (photos,) whether all captions may be used.
    """

    patches: torch.Tensor
    one: Booleans
    all: Booleans
    captions: torch.Tensor
    quality: Booleans

    @property
    def whole(self) -> torch.Tensor:
        """(photos, channels) mean patches."""
        return self.patches.mean(dim=1)


@dataclass(frozen=True)
class Test:
    """A measured set: mean patches, targets and texts of the tags."""

    patches: torch.Tensor
    targets: Booleans
    texts: DescriptionEmbeddings

    def measure(self, model: Aligner) -> float:
        """mAP in percent."""
        return 100 * mean_average_precision(model.probabilities(self.patches, self.texts), self.targets)


def run_engine(
    photos: Photos,
    texts: DescriptionEmbeddings,
    tests: Mapping[str, Test],
    seed: int,
    learn_captions: bool,
    rules: CleaningRules,
) -> dict[str, dict[str, float]]:
    """Run all stages once, and return "tags" of a photo and the mAP of each set by stage."""
    captions = photos.captions if learn_captions else None
    train = partial(train_aligner, texts=texts, seed=seed)
    rows: dict[str, dict[str, float]] = {}

    def note(stage: str, model: Aligner, targets: Booleans) -> Aligner:
        rows[stage] = {"tags": float(targets.sum(axis=1).mean())}
        rows[stage] |= {name: test.measure(model) for name, test in tests.items()}
        return model

    baseline = train(photos.whole, photos.one, epochs=EPOCHS, captions=captions)
    note("parsing", baseline, photos.one)
    generated, threshold = generate(baseline, photos, texts)
    note("generation", train(photos.whole, generated, epochs=EPOCHS, captions=captions), generated)
    cleaned = clean(baseline, photos, texts, generated, threshold, rules)
    third = note("cleaning", train(photos.whole, cleaned, epochs=EPOCHS, captions=captions), cleaned)
    best = np.where(photos.quality[:, None], photos.all, cleaned)
    some = torch.from_numpy(photos.quality)
    tuned = train(
        photos.whole[some], photos.all[photos.quality], epochs=MORE_EPOCHS, start=third, rate=RATE / 5,
        captions=None if captions is None else captions[some],
    )  # fmt: skip
    note("fine-tuning", tuned, best)
    return rows


def generate(model: Aligner, photos: Photos, texts: DescriptionEmbeddings) -> tuple[Booleans, float]:
    """The tags of one caption with those that a model finds, and its threshold: the best for CF1 on quality photos."""
    found = model.probabilities(photos.whole, texts)
    threshold = tuned_rates(found[photos.quality], photos.all[photos.quality]).threshold
    return photos.one | (found > threshold), threshold


def clean(
    model: Aligner,
    photos: Photos,
    texts: DescriptionEmbeddings,
    targets: Booleans,
    threshold: float,
    rules: CleaningRules,
) -> Booleans:
    """Strike tags out by their best part of nine, each a quarter of the photo; see RAM, section 3.3."""
    parts = half_windows(photos.patches)
    count, many, channels = parts.shape
    found = model.probabilities(parts.reshape(-1, channels), texts).reshape(count, many, -1)
    best = found.argmax(axis=1)
    with torch.no_grad():
        pooled = model.pooled(parts.reshape(-1, channels)).reshape(count, many, -1).numpy()
    index, tags = np.nonzero(targets)
    pairs = tuple(zip(index.tolist(), tags.tolist(), strict=True))
    at = best[index, tags]
    looks = RegionLooks(pairs, pooled[index, at], found[index, at, tags])
    names = [str(tag) for tag in range(targets.shape[1])]
    labels = TagVocabulary.of(names, threshold)
    struck = strike_out(looks, labels, labels, rules)
    cleaned = targets.copy()
    for row, tag in struck.pairs:
        cleaned[row, tag] = False
    return cleaned


def read_photos(data: Path, count: int, cache: Path, progress: Progress) -> tuple[Photos, list[str]]:
    """The training photos, and the names of the tags that occur often enough."""
    vocabulary = LabelSystem.load(data / "labels").vocabulary
    entries = json.loads((data / "flickr8k_train.json").read_text(encoding="utf-8"))
    name = photos_name("train", count, len(entries))
    entries = [entries[row] for row in chosen_rows(len(entries), count)]
    draw = np.random.default_rng(0)
    drawn = [int(draw.integers(len(entry["caption"]))) for entry in entries]
    one = _targets([entry["parse_label_id"][at] for entry, at in zip(entries, drawn, strict=True)], len(vocabulary))
    every = _targets([entry["union_label_id"] for entry in entries], len(vocabulary))
    one &= every
    used = np.flatnonzero(every.sum(axis=0) >= LEAST)
    texts = [entry["caption"][at] for entry, at in zip(entries, drawn, strict=True)]
    paths = [data / "flickr8k" / entry["image_path"] for entry in entries]
    look = partial(progress, "the frozen backbone looks at training photos")
    patches = frozen_patches(paths, cache / f"frozen-{name}.npy", look)
    quality = np.random.default_rng(1).random(len(entries)) < QUALITY
    captions = _embedded(texts, cache / f"captions-{name}.npy")
    return Photos(patches, one[:, used], every[:, used], captions, quality), [vocabulary.tags[at] for at in used]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data_engine", description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--photos", type=int, default=6000, metavar="N", help="training photos (%(default)s)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--methods", nargs="+", choices=tuple(MODELS), default=tuple(MODELS), help="(both)")
    parser.add_argument("--minutes", type=float, default=20, help="no run begins after so many (%(default)s)")
    parser.add_argument("--of-threshold", type=float, default=CleaningRules().of_threshold, help="(%(default)s)")
    parser.add_argument("--cache", type=Path, default=Path("runs/lite"), metavar="FOLDER", help="(%(default)s)")
    parser.add_argument("--output", type=Path, default=RESULTS, metavar="FOLDER", help="(%(default)s)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="(%(default)s)")
    args = parser.parse_args(arguments)
    torch.set_num_threads(args.threads)
    began, rules = time.monotonic(), CleaningRules(of_threshold=args.of_threshold)
    measured: dict[str, dict[str, list[float]]] = {}
    with Progress() as progress:
        photos, tags = read_photos(args.data, args.photos, args.cache, progress)
        sets = {name: load_set(name, args.data) for name in ("common", "uncommon")}
        files = sets["common"].benchmark.pictures
        patches = frozen_patches(files, args.cache / "frozen-flickr8k-test.npy").mean(dim=1)
    about = (
        f"mAP in percent on the test photos of Flickr8k, 155 common and 79 uncommon tags, of a linear map of frozen "
        f"features (EfficientNet-Lite2). {len(photos.one)} training photos, {len(tags)} tags; a region is recognized "
        f"over {args.of_threshold:g} of the threshold."
    )
    try:
        check_settings(about, args.methods, args.output)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    runs, not_run = KeptRuns(args.cache / "data_engine.jsonl"), []
    for seed in args.seeds:
        for method in args.methods:
            _, _, bank = load_model(shipped_models()[MODELS[method]])
            texts = _texts(bank, tags)
            settings = f"{about} {_fingerprint(texts)}"
            stages = runs.find(method, seed, settings)
            if stages is None and time.monotonic() - began > 60 * args.minutes:
                not_run.append(f"{method} with seed {seed}")
                continue
            if stages is None:
                tests = {
                    name: Test(patches, one.benchmark.targets, _texts(bank, one.benchmark.tags))
                    for name, one in sets.items()
                }
                stages = run_engine(photos, texts, tests, seed, method == "RAM++", rules)
                runs.add(method, seed, settings, stages)
            for stage, figures in stages.items():
                print(method, stage, seed, {name: round(value, 1) for name, value in figures.items()}, flush=True)
                row = measured.setdefault(f"{method}, {stage}", {name: [] for name in figures})
                for name, value in figures.items():
                    row[name].append(value)
    if not_run:
        print(
            f"no time in {args.minutes:g} minutes for {', '.join(not_run)}: the same command goes on", file=sys.stderr
        )
    if not measured:
        return 2
    print(write_engine(measured, about, recorded_command(parser, args), not_run, args.output))
    return 0


def _targets(ids: Sequence[Sequence[int]], tags: int) -> Booleans:
    targets = np.zeros((len(ids), tags), dtype=bool)
    for row, own in enumerate(ids):
        targets[row, own] = True
    return targets


def _texts(bank: TagEmbeddingBank, tags: Sequence[str]) -> DescriptionEmbeddings:
    names = names_in(bank.vocabulary.tags, tags)
    assert None not in names, "the shipped vocabulary has every tag of the sets"
    order = [bank.vocabulary.id(name) for name in names if name is not None]
    return bank.embedded.rows(torch.tensor(order)).to("cpu", torch.float32)


def _fingerprint(texts: DescriptionEmbeddings) -> str:
    """Tells the sentences of one shipped model from those of another."""
    return hashlib.sha256(texts.embeddings.numpy().tobytes()).hexdigest()[:12]


def _embedded(texts: Sequence[str], cache: Path) -> torch.Tensor:
    if not cache.is_file():
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.save(cache, encode_sentences(texts).numpy())
    return torch.from_numpy(np.load(cache))


if __name__ == "__main__":
    sys.exit(main())
