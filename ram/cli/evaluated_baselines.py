"""``ram evaluate --baseline NAME``: measure another way to tag on the same pictures."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from ram.cli.evaluated_data import read_tagged
from ram.cli.options import describe_all
from ram.cli.terminal import Progress
from ram.errors import InputError
from ram.text.descriptions import TagDescriptions

_PROMPTS = ("name", "ensemble", "describer")
_OF_MODELS = ("open_set", "ensemble")
"""Flags that go with a model of ours only."""


def add_baseline_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--baseline",
        metavar="NAME",
        help="measure another way to tag instead of --model: clip, siglip2, pe-core, mobileclip2, blip-itc, blip-itm, "
        "grounding-dino, odise, classifier, linear-probe, or vision-language (OPENAI_BASE_URL, OPENAI_MODEL)",
    )
    parser.add_argument("--weights", metavar="WEIGHTS", help="of the baseline: a file, a folder or a name")
    parser.add_argument(
        "--prompts",
        choices=_PROMPTS,
        help="of a baseline with a text encoder: one sentence with the name (default), the ensemble of all templates, "
        "or what --describer writes; --descriptions comes first",
    )
    parser.add_argument(
        "--train", type=Path, metavar="DATASET", help="labelled pictures, for the baseline linear-probe"
    )


def evaluate_by_baseline(args: argparse.Namespace) -> dict[str, Any]:
    """Measure a baseline and return its report.

    Raises:
        InputError: flags do not go together, or there is no such baseline.
        RamError: the baseline cannot be had here.
    """
    from ram.evaluation.baselines.baseline_loading import Request, baselines, load_baseline
    from ram.evaluation.baselines.protocol import evaluate_baseline
    from ram.evaluation.baselines.vision_language import VisionLanguageTagger
    from ram.evaluation.benchmarks import load_benchmark
    from ram.runtime import find_device

    for name in _OF_MODELS:
        if getattr(args, name):
            raise InputError(f"--{name.replace('_', '-')} does not go with --baseline: leave it out")
    if args.baseline not in baselines():
        raise InputError(f"there is no baseline {args.baseline!r}: choose one of {', '.join(baselines())}")
    device = find_device(args.device)
    benchmark = read_tagged(args, None)
    sentences, origin = _sentences(args, tuple(dict.fromkeys(benchmark.tags)))
    labelled = None if args.train is None else load_benchmark(args.train)
    started = time.monotonic()
    with Progress() as progress:
        baseline = load_baseline(args.baseline, Request(sentences, args.weights, device, labelled, progress))
        measured = evaluate_baseline(baseline, benchmark, progress, args.tune)
    report = {
        "dataset": benchmark.name,
        "model": baseline.name,
        "describer": origin,
        "seconds": round(time.monotonic() - started, 1),
        **measured.to_dict(),
    }
    if isinstance(baseline, VisionLanguageTagger):
        report["tokens_per_picture"] = baseline.usage.tokens / len(benchmark.pictures)
        report["answers_outside_the_list"] = baseline.unlisted
    return report


def refuse_baseline_flags(args: argparse.Namespace) -> None:
    """Refuse flags of a baseline where a model is measured."""
    for name in ("weights", "prompts", "train"):
        if getattr(args, name) is not None:
            raise InputError(f"--{name} goes with --baseline only: leave it out")


def _sentences(args: argparse.Namespace, tags: tuple[str, ...]) -> tuple[dict[str, tuple[str, ...]], str]:
    """Sentences of each tag, and where they come from."""
    from ram.evaluation.baselines.hand_prompts import prompts_of
    from ram.evaluation.tag_banks import names_in

    kind = args.prompts or "name"
    if kind == "describer":
        described = describe_all(args, tags)
        sentences, origin = {tag: tuple(described[tag]) for tag in tags}, args.describer
    else:
        sentences, origin = {tag: tuple(of) for tag, of in prompts_of(tags, kind).items()}, f"prompts, {kind}"
    if args.descriptions is not None:
        given = TagDescriptions.load(args.descriptions)
        for tag, name in zip(tags, names_in(given.tags, tags), strict=True):
            if name is not None:
                sentences[tag] = tuple(given[name])
        origin = args.descriptions.name
    return sentences, origin
