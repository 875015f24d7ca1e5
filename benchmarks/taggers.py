"""Compare taggers on our own labelled photos: ours, the baselines, and others' results.

    python -m benchmarks.taggers [--part choice|held-out|all] [--methods ram-plus-lite,clip] [--results FILE ...]

Every method scores the same photos and tags in one run on one machine. A method that cannot run here has the line
"not run" with what it needs. ``benchmarks/tagger_measures.py`` says which form others' results have, and
``benchmarks/labelled_photos.py`` how the photos are labelled. Choose by the part "choice" only.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.labelled_photos import FOLDER, PARTS, LabelledPhotos, load_labelled
from benchmarks.measuring import machine
from benchmarks.tagger_measures import Result, measure, read_result
from ram.cli.terminal import Progress, print_json, print_table, say
from ram.describers.by_name import describe_names
from ram.errors import InputError, RamError
from ram.evaluation.baselines.baseline_loading import Request, baselines, load_baseline
from ram.evaluation.baselines.hand_prompts import PROMPTS, prompts_of
from ram.evaluation.baselines.protocol import THRESHOLD, Sentences, score_with
from ram.evaluation.baselines.vision_language import VisionLanguageTagger
from ram.evaluation.tag_banks import bank_for, names_in
from ram.evaluation.tagging import score_pictures
from ram.runtime import Progress as ProgressCallback
from ram.runtime import quiet
from ram.tagger_loading import load
from ram.text.descriptions import TagDescriptions

OURS = ("ram-plus-lite", "ram-lite")
COLUMNS = {
    "method": "method", "mAP": "mAP", "precision": "precision", "recall": "recall",
    "hard_negatives_predicted": "hard negatives", "calibration_error": "ECE", "tags_a_photo": "tags",
    "processor_seconds_a_photo": "CPU s", "seconds_a_photo": "s", "tokens_a_photo": "tokens",
}  # fmt: skip
"""Field of a row to the heading of its column."""
PERCENT = ("mAP", "precision", "recall", "hard_negatives_predicted", "calibration_error")


def run_model(name: str, photos: LabelledPhotos, progress: ProgressCallback) -> Result:
    """Score the photos by a model of ours, at the thresholds that it ships with."""
    tagger, tags = load(name, device="cpu"), photos.benchmark.tags
    new = [tag for tag, known in zip(tags, names_in(tagger.bank.vocabulary.tags, tags), strict=True) if known is None]
    bank = bank_for(tagger, tags, describe_names(new) if new else None)
    names = [name or "" for name in names_in(bank.vocabulary.tags, tags)]  # the bank holds all of them
    columns = [bank.vocabulary.id(each) for each in names]
    thresholds = [bank.vocabulary.thresholds[column] for column in columns]
    count = len(photos.benchmark.pictures)
    clock, processor = time.perf_counter(), time.process_time()
    scores = score_pictures(tagger, bank, photos.benchmark.pictures, progress)[:, columns]
    seconds, processor_seconds = time.perf_counter() - clock, time.process_time() - processor
    note = f"{len(new)} tags described by the lexicon, {len(tags) - len(new)} of the vocabulary"
    return Result(
        name, scores, thresholds, seconds=seconds / count, processor_seconds=processor_seconds / count, note=note
    )


def run_baseline(
    name: str, sentences: Sentences, photos: LabelledPhotos, part: str, folder: Path, progress: ProgressCallback
) -> Result:
    """Score the photos by a baseline.

    Raises:
        RamError: it cannot run here, or would be measured on photos that it was taught.
    """
    labelled, note = None, ""
    if name == "linear-probe":
        if part != "held-out":
            raise InputError("it is taught on the part choice: measure it on --part held-out")
        labelled = load_labelled("choice", folder).benchmark
        note = f"taught on the {len(labelled.pictures)} photos of the part choice"
    baseline = load_baseline(name, Request(sentences, labelled=labelled, progress=progress))
    scored, count = score_with(baseline, photos.benchmark.pictures, progress), len(photos.benchmark.pictures)
    if known := getattr(baseline, "known", None):
        note = f"its classes mean {known} of {len(baseline.tags)} tags; the others have the score 0"
    tokens = baseline.usage.tokens / count if isinstance(baseline, VisionLanguageTagger) else None
    return Result(
        name, scored.scores, THRESHOLD, baseline.probabilities, scored.seconds / count,
        scored.processor_seconds / count, tokens, note,
    )  # fmt: skip


def compare(
    methods: Sequence[str],
    results: Sequence[Path],
    sentences: Sentences | None = None,
    part: str = "held-out",
    folder: Path = FOLDER,
    progress: ProgressCallback = quiet,
) -> dict[str, Any]:
    """Measure methods and others' results; a method that cannot run has a sentence instead of figures.

    Args:
        methods: names of our models and of baselines.
        results: files of others, see :func:`benchmarks.tagger_measures.read_result`.
        sentences: prompts of the baselines; one hand-written prompt for each tag where None.
        part: of the photos.
        folder: of the labelled photos.
        progress: called while photos are scored.
    """
    photos = load_labelled(part, folder)
    tags = photos.benchmark.tags
    sentences = prompts_of(tags, "name") if sentences is None else sentences
    rows: list[dict[str, Any]] = []
    for name in methods:
        try:
            if name in OURS:
                rows.append(measure(run_model(name, photos, progress), photos))
            else:
                rows.append(measure(run_baseline(name, sentences, photos, part, folder, progress), photos))
        except RamError as error:
            rows.append({"method": name, "not_run": str(error).rstrip(".")})
    rows += [measure(read_result(path, photos), photos) for path in results]
    targets = photos.benchmark.targets
    return {
        "part": part,
        "photos": len(targets),
        "tags": len(tags),
        "tags_with_a_positive": int(targets.any(axis=0).sum()),
        "present_a_photo": float(targets.sum(axis=1).mean()),
        "hard_negatives": int(photos.hard.sum()),
        "methods": rows,
        "machine": machine(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=PARTS, default="held-out", help="of the photos (held-out)")
    parser.add_argument("--methods", metavar="NAMES", help=f"of {', '.join((*OURS, *baselines()))} (all)")
    parser.add_argument("--results", type=Path, nargs="+", default=[], metavar="FILE", help="others' results, JSON")
    parser.add_argument("--prompts", choices=PROMPTS, default="name", help="of the baselines with a text encoder")
    parser.add_argument("--descriptions", type=Path, metavar="FILE", help="sentences instead of --prompts, JSON")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    args = parser.parse_args()
    every = (*OURS, *baselines())
    methods = every if args.methods is None else tuple(filter(None, args.methods.split(",")))
    try:
        if unknown := [name for name in methods if name not in every]:
            raise InputError(f"there is no method {unknown[0]!r}: choose of {', '.join(every)}")
        tags = load_labelled(args.part).benchmark.tags
        sentences = prompts_of(tags, args.prompts)
        if args.descriptions is not None:
            given = TagDescriptions.load(args.descriptions)
            sentences = {tag: given[tag] if tag in given else sentences[tag] for tag in tags}
        with Progress() as progress:
            found = compare(methods, args.results, sentences, args.part, progress=progress)
    except RamError as error:
        say(str(error))
        raise SystemExit(2) from None
    if args.json:
        print_json(found)
        return
    print(
        f"{found['part']}: {found['photos']} photos, {found['tags']} tags, {found['tags_with_a_positive']} of them "
        f"present somewhere, {found['present_a_photo']:.1f} a photo, {found['hard_negatives']} hard negatives"
    )
    print_table([tuple(COLUMNS.values()), *(_cells(row) for row in found["methods"] if "not_run" not in row)])
    for row in found["methods"]:
        if remark := f"not run: {row['not_run']}" if "not_run" in row else row["note"]:
            print(f"{row['method']}: {remark}")


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    cells = []
    for field in COLUMNS:
        value = row[field]
        if value is None or isinstance(value, str):
            cells.append(value or "-")
        elif field in PERCENT:
            cells.append(f"{100 * value:.1f}")
        else:
            cells.append(f"{value:.0f}" if field == "tokens_a_photo" else f"{value:.2f}")
    return tuple(cells)


if __name__ == "__main__":
    main()
