"""Measure the shipped models on the photos at hand, for the papers' tables and figures.

    python -m benchmarks.lite DATA [--only sets words tagging retrieval describers scores] [--cache FOLDER]

``DATA`` is the folder of "Training" in the README, with ``flickr8k/benchmarks`` in it. ``describers`` takes the files
of language models from ``--descriptions NAME=FILE``, each in the official form; ``--describers local`` asks the
language model on this machine, whose sentences are kept in the cache folder, so a stopped run goes on. The image
encoder looks at each photo once: the features are kept there, too. Results go to ``benchmarks/results``, where
``python -m benchmarks.tables`` and ``python -m benchmarks.figures`` read them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.lite.describers import DESCRIBERS, class_photos, describer_rows, read_folded
from benchmarks.lite.distributions import distribution_rows
from benchmarks.lite.frozen import LinearProbe, class_name_scores, mean_patches
from benchmarks.lite.looks import cached_looks
from benchmarks.lite.retrieval import WAYS, retrieval_rows
from benchmarks.lite.scoring import described, hand_written, score_looks
from benchmarks.lite.sets import TITLES, LiteSet, chosen_rows, flickr_split, load_set, photos_name
from benchmarks.lite.tagging import Source, set_rows, tagging_rows, word_rows
from benchmarks.tables.result_files import RESULTS, read_results, write_results
from ram.cli.terminal import Progress
from ram.describers.loading import OFFLINE
from ram.errors import InputError, RamError
from ram.evaluation.retrieval import load_captioned
from ram.models.image_encoder import ImageFeatures
from ram.tagger import Tagger
from ram.tagger_loading import load

MODELS = {"ram-plus-lite": "RAM++", "ram-lite": "RAM"}
MEASUREMENTS = ("sets", "words", "tagging", "retrieval", "describers", "scores")
COMMAND = "python -m benchmarks.lite DATA --only {}"


class Lab:
    """Models, sets and cached features, each made on first use.

    Args:
        data: folder of the photos.
        cache: folder of the features.
        names: of the sets.
        progress: progress bar.
        methods: names of the methods to measure; all where None.
        probe_photos: training photos of the linear probe.
        models: names of the shipped models to measure retrieval with.
        describers: to measure beside the files of language models.
    """

    def __init__(
        self,
        data: Path,
        cache: Path,
        names: Sequence[str],
        progress: Progress,
        methods: Sequence[str] | None = None,
        probe_photos: int = 6000,
        models: Sequence[str] = tuple(MODELS),
        describers: Sequence[str] = OFFLINE,
    ) -> None:
        self._methods, self.probe_photos = methods, probe_photos
        self.models, self.describers = models, describers
        self.data, self.cache, self.progress = data, cache, progress
        self.sets = {name: load_set(name, data) for name in names}

    @cached_property
    def taggers(self) -> dict[str, Tagger]:
        """The shipped models."""
        return {name: load(name, device="cpu") for name in MODELS}

    def looks(self, model: str, photos: str, pictures: Sequence[Path]) -> ImageFeatures:
        """Features of images."""
        return cached_looks(self.cache / f"{model}-{photos}.npz", self.taggers[model], pictures, self.progress)

    @cached_property
    def sources(self) -> Mapping[str, Source]:
        """Every method that can be measured: the models with both prompts, and the baselines."""
        found: dict[str, Source] = {
            f"{model}, {prompt}": partial(self._model, model, prompt)
            for model in MODELS
            for prompt in ("hand-written", "descriptions")
        }
        found = {"class names": self._class_names, "linear probe": self._linear_probe, **found}
        if unknown := set(self._methods or ()) - set(found):
            raise InputError(f"there is no method {min(unknown)!r}: choose from {', '.join(found)}")
        return {name: one for name, one in found.items() if self._methods is None or name in self._methods}

    def _model(self, model: str, prompt: str, one: LiteSet) -> Any:
        tagger, like = self.taggers[model], self.taggers["ram-plus-lite"]
        tags = tuple(dict.fromkeys(one.benchmark.tags))
        bank = hand_written(tagger, tags) if prompt == "hand-written" else described(tagger, tags, like)
        looks = self.looks(model, one.photos, one.benchmark.pictures)
        folded = {tag.casefold(): tag for tag in bank.vocabulary.tags}
        bank = bank.select([folded[tag.casefold()] for tag in tags])
        return score_looks(tagger, looks, bank), np.array(bank.vocabulary.thresholds)

    def _patches(self, photos: str, pictures: Sequence[Path]) -> torch.Tensor:
        label = f"the frozen backbone looks at {photos}"
        return mean_patches(pictures, self.cache / f"frozen-{photos}.npy", partial(self.progress, label))

    def _class_names(self, one: LiteSet) -> Any:
        patches = self._patches(one.photos, one.benchmark.pictures)
        return class_name_scores(patches, one.benchmark.tags), np.full(len(one.benchmark.tags), 0.5)

    def _linear_probe(self, one: LiteSet) -> Any:
        if one.benchmark.name != self.sets["common"].benchmark.name:
            return None  # nothing else has annotated training photos
        training = flickr_split(self.data, "train", one.benchmark.tags)
        total = len(training.pictures)
        rows, name = chosen_rows(total, self.probe_photos), photos_name("train", self.probe_photos, total)
        patches = self._patches(name, [training.pictures[row] for row in rows])
        probe = LinearProbe(patches, training.targets[rows])
        scores = probe(self._patches(one.photos, one.benchmark.pictures))
        return scores, np.full(len(one.benchmark.tags), 0.5)


def measure_describers(lab: Lab, files: Mapping[str, Path], most: int | None = None) -> dict[str, dict[str, float]]:
    """Table 9: every file on the held-out class photos, then all files on the tags that all of them describe."""
    tagger, rows = lab.taggers["ram-plus-lite"], {}
    texts = {name: read_folded(path) for name, path in files.items()}
    groups = {f"tags of {name}": ({name: one}, False) for name, one in texts.items()}
    if len(texts) > 1:
        groups["tags of all"] = (texts, True)
    for group, (some, all_photos) in groups.items():
        shared = set.intersection(*(set(one) for one in some.values()))
        first = next(iter(some.values()))
        benchmark = class_photos(lab.data, first.select([tag for tag in first if tag in shared]), all_photos)
        if len(benchmark.tags) < 2:
            continue
        photos = "class-photos-all" if all_photos else "class-photos"
        looks = lab.looks("ram-plus-lite", photos, benchmark.pictures)
        kept = lab.cache / "descriptions"
        for name, figures in describer_rows(tagger, looks, benchmark, some, most, lab.describers, kept).items():
            rows[f"{name}, {group}"] = {**figures, "tags": len(benchmark.tags), "photos": len(benchmark.pictures)}
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lite", description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--only", nargs="+", choices=MEASUREMENTS, default=MEASUREMENTS)
    parser.add_argument("--sets", nargs="+", choices=tuple(TITLES), default=tuple(TITLES), help="photos (all)")
    parser.add_argument("--methods", nargs="+", metavar="NAME", help="of tagging and scores; other rows stay (all)")
    parser.add_argument("--probe-photos", type=int, default=6000, metavar="N", help="of the linear probe (%(default)s)")
    parser.add_argument("--descriptions", nargs="+", default=[], metavar="NAME=FILE", help="of language models")
    parser.add_argument(
        "--describers", nargs="+", choices=DESCRIBERS, metavar="NAME", help=f"of {', '.join(DESCRIBERS)} (offline ones)"
    )
    parser.add_argument("--models", nargs="+", choices=tuple(MODELS), help="of retrieval; other rows stay (all)")
    parser.add_argument("--sentences", type=int, metavar="N", help="of each describer and tag, at most (all)")
    parser.add_argument("--cache", type=Path, default=Path("runs/lite"), metavar="FOLDER", help="(%(default)s)")
    parser.add_argument("--output", type=Path, default=RESULTS, metavar="FOLDER", help="(%(default)s)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="(%(default)s)")
    args = parser.parse_args(arguments)
    torch.set_num_threads(args.threads)
    files = {name: Path(path) for name, _, path in (text.partition("=") for text in args.descriptions)}
    with Progress() as progress:
        models, describers = args.models or tuple(MODELS), args.describers or OFFLINE
        lab = Lab(args.data, args.cache, args.sets, progress, args.methods, args.probe_photos, models, describers)
        for name in args.only:
            if name == "describers" and not files:
                print("describers: give the files of language models with --descriptions NAME=FILE", file=sys.stderr)
                continue
            try:
                rows, about = measure(name, lab, files, args.sentences)
            except RamError as error:
                print(f"{name}: {error}", file=sys.stderr)
                return 2
            partly = {"retrieval": args.models, "describers": args.describers}.get(name, args.methods)
            if partly and (before := read_results(name, args.output)) is not None:
                rows = {**before.rows, **rows}
            print(write_results(name, COMMAND.format(name), about, rows, args.output))
    return 0


def measure(
    name: str, lab: Lab, files: Mapping[str, Path], most: int | None = None
) -> tuple[Mapping[str, Mapping[str, Any]], str]:
    """The rows of one of :data:`MEASUREMENTS`, and on what they were measured."""
    where = ", ".join(one.title for one in lab.sets.values())
    if name == "sets":
        return set_rows(lab.sets), where
    if name == "words":
        return word_rows(lab.sets), f"Number of photos of each category. {where}."
    if name == "tagging":
        return tagging_rows(lab.sources, lab.sets), (
            f"Percent. {where}. Tuned: one threshold for all tags, best CF1. The linear probe and class names use "
            f"frozen features of EfficientNet-Lite2 at 256 pixels; the probe learns from {lab.probe_photos:,} photos."
        )
    if name == "scores":
        both = {key: one for key, one in lab.sets.items() if key in ("common", "uncommon")}
        return distribution_rows(lab.sources, both), "Shares of probabilities in equal bins, Flickr8k test."
    if name == "describers":
        sentences = "all sentences" if most is None else f"at most {most} sentences"
        return measure_describers(lab, files, most), (
            f"mAP in percent of ram-plus-lite, {sentences} of each describer. Tags of one: held-out photos of ImageNet "
            "classes. Tags of all: the few classes that all files describe, among the 1,000 class photos, 85 % of "
            "which training saw."
        )
    flickr = lab.data / "flickr8k"
    captioned = load_captioned(flickr / "captions.json", flickr, (flickr / "splits.json", "test"))
    rows = {}
    for model in lab.models:
        tagger = lab.taggers[model]
        looks = lab.looks(model, "flickr8k-test-captioned", captioned.pictures)
        ways = WAYS if tagger.config.reweight else ("decoder",)
        for way, figures in retrieval_rows(tagger, looks, captioned, ways).items():
            rows[f"{model}, {way}"] = figures
    return rows, "Percent, 5,000 captions of the 1,000 test photos of Flickr8k; processor time of one thread."


if __name__ == "__main__":
    sys.exit(main())
