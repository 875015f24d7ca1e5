"""Compare taggers on our own labelled photos: ours, the baselines, and others' results.

    python -m benchmarks.taggers --output benchmarks/results/taggers.json      # all methods, all and held-out photos
    python -m benchmarks.taggers [--part choice|held-out|all ...] [--methods ram-plus-lite,clip] [--results FILE ...]

Every method scores the same photos and tags in one run on one machine. A method that cannot run here has the line
"not run" with what it needs. The file is written after each method: ``--resume`` goes on with one that was stopped.
Without a network, ``HF_HUB_OFFLINE=1`` in the environment saves minutes of attempts to fetch weights. ``python -m
benchmarks.taggers_table`` puts the file into docs/taggers.md. ``benchmarks/tagger_measures.py`` says which form others'
results have, and ``benchmarks/labelled_photos.py`` how the photos are labelled. Choose by the part "choice" only.
"""

from __future__ import annotations

import argparse
import datetime
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.labelled_photos import FOLDER, PARTS, LabelledPhotos, load_labelled
from benchmarks.measuring import machine
from benchmarks.tables.recorded_commands import recorded_command
from benchmarks.tagger_measures import Result, measure, read_result
from benchmarks.taggers_file import Comparison, check_same_run, package_versions, read_comparison, write_comparison
from benchmarks.taggers_parts import count_labels, rows_of_part, spread_photos, take_photos, take_rows
from benchmarks.taggers_table import row_cells, table_head
from ram.cli.terminal import Progress, print_json, print_table, say
from ram.describers.by_name import describe_names
from ram.errors import InputError, RamError
from ram.evaluation.baselines.baseline_loading import Request, baselines, load_baseline
from ram.evaluation.baselines.hand_prompts import PROMPTS, prompts_of
from ram.evaluation.baselines.open_clip_towers import tower_names
from ram.evaluation.baselines.protocol import THRESHOLD, Sentences, score_with
from ram.evaluation.baselines.vision_language import VisionLanguageTagger
from ram.evaluation.tag_banks import bank_for, names_in
from ram.evaluation.tagging import score_pictures
from ram.runtime import Progress as ProgressCallback
from ram.runtime import quiet
from ram.tagger_loading import load
from ram.text.descriptions import TagDescriptions

OURS = ("ram-plus-lite", "ram-lite", "tag2text-lite")
OPEN_SET = ("ram-plus-lite", "ram-lite")
"""Models of ours that score any tag; the others know those of their vocabulary."""
BY_SENTENCES = (*tower_names(), "blip-itc", "blip-itm")
"""Baselines that read sentences: each is measured once for each kind of prompts."""
DESCRIPTIONS = "descriptions"
PROMPT_KINDS = (*PROMPTS, DESCRIPTIONS)
FIGURES_LEFT_OUT = ("method", "photos", "note")
"""Fields of a measured row that a file says elsewhere."""


def run_model(name: str, photos: LabelledPhotos, progress: ProgressCallback) -> Result:
    """Score the photos one by one by a model of ours, at the thresholds that it ships with.

    A tag that is not in the vocabulary is described by the lexicon. A model of a fixed vocabulary gives it the score 0.
    """
    tagger, tags = load(name, device="cpu"), photos.benchmark.tags
    known = names_in(tagger.bank.vocabulary.tags, tags)
    new = [tag for tag, found in zip(tags, known, strict=True) if found is None]
    scored = tags if name in OPEN_SET else tuple(tag for tag, found in zip(tags, known, strict=True) if found)
    bank = bank_for(tagger, scored, describe_names(new) if new and name in OPEN_SET else None)
    names = names_in(bank.vocabulary.tags, tags)
    columns = {column: bank.vocabulary.id(each) for column, each in enumerate(names) if each is not None}
    scores = np.zeros((len(photos.benchmark.pictures), len(tags)))
    thresholds = np.full(len(tags), THRESHOLD)
    thresholds[list(columns)] = [bank.vocabulary.thresholds[column] for column in columns.values()]
    times = []
    for row, picture in enumerate(photos.benchmark.pictures):
        progress(f"{name} looks at the pictures", row, len(scores))
        clock, processor = time.perf_counter(), time.process_time()
        scores[row, list(columns)] = score_pictures(tagger, bank, [picture])[0, list(columns.values())]
        times.append((time.perf_counter() - clock, time.process_time() - processor))
    described = "described by the lexicon" if name in OPEN_SET else "not in the vocabulary have the score 0"
    note = f"{len(tags) - len(new)} tags of the vocabulary; {len(new)} {described}"
    return Result(name, scores, thresholds, seconds=_median(times, 0), processor_seconds=_median(times, 1), note=note)


def run_baseline(
    name: str, sentences: Sentences, photos: LabelledPhotos, folder: Path, progress: ProgressCallback
) -> Result:
    """Score the photos one by one by a baseline.

    Raises:
        RamError: it cannot run here.
    """
    labelled, note = None, ""
    if name == "linear-probe":
        labelled = load_labelled("choice", folder).benchmark
        note = f"taught on the {len(labelled.pictures)} photos of the part choice"
    baseline = load_baseline(name, Request(sentences, labelled=labelled, progress=progress))
    pictures, scores, times = photos.benchmark.pictures, [], []
    for done, picture in enumerate(pictures):
        progress(f"{name} looks at the pictures", done, len(pictures))
        scored = score_with(baseline, [picture])
        scores.append(scored.scores[0])
        times.append((scored.seconds, scored.processor_seconds))
    if known := getattr(baseline, "known", None):
        note = f"its classes mean {known} of {len(baseline.tags)} tags; the others have the score 0"
    tokens = baseline.usage.tokens / len(pictures) if isinstance(baseline, VisionLanguageTagger) else None
    return Result(
        name, np.stack(scores), THRESHOLD, baseline.probabilities, _median(times, 0), _median(times, 1), tokens, note
    )


def compare(
    methods: Sequence[str],
    results: Sequence[Path] = (),
    prompts: Mapping[str, Sentences] | None = None,
    parts: Sequence[str] = ("held-out",),
    folder: Path = FOLDER,
    count: int | None = None,
    before: Path | None = None,
    keep: Callable[[Comparison], object] = lambda found: None,
    progress: ProgressCallback = quiet,
) -> Comparison:
    """Measure methods and others' results; a method that cannot run has a sentence instead of figures.

    Args:
        methods: names of our models and of baselines.
        results: files of others, see :func:`benchmarks.tagger_measures.read_result`.
        prompts: name of each kind to the sentences of the baselines that read some; one hand-written prompt for each
            tag where None.
        parts: of the photos; each photo is scored once.
        folder: of the labelled photos.
        count: photos to take, spread over all; all where None.
        before: file of a stopped run, whose methods are kept.
        keep: called with what is found after each method.
        progress: called while photos are scored.

    Raises:
        InputError: the file before is of another run.
    """
    photos = spread_photos(load_labelled("all" if len(parts) > 1 else parts[0], folder), count)
    several = len(parts) > 1
    of_part = {part: take_photos(photos, rows_of_part(photos, part)) if several else photos for part in parts}
    prompts = {PROMPTS[0]: prompts_of(photos.benchmark.tags, PROMPTS[0])} if prompts is None else prompts
    counts = {part: count_labels(some) for part, some in of_part.items()}
    found = Comparison(counts, machine(), package_versions(), datetime.date.today().isoformat())
    if before is not None and before.is_file():
        kept = read_comparison(before)
        check_same_run(kept, found, before)
        found = Comparison(counts, kept.machine, kept.versions, kept.date, kept.rows, kept.notes)

    def note(result: Result, label: str, measured: Mapping[str, LabelledPhotos], within: LabelledPhotos) -> None:
        places = {picture: row for row, picture in enumerate(within.benchmark.pictures)}
        for part, some in measured.items():
            rows = [places[picture] for picture in some.benchmark.pictures]
            row = measure(take_rows(result, rows), some)
            found.rows[f"{label}, {part}"] = {key: row[key] for key in row if key not in FIGURES_LEFT_OUT}
        if result.note:
            found.notes[label] = result.note

    for name in methods:
        measured, scored = of_part, photos
        try:
            if name == "linear-probe":
                measured = {part: some for part, some in of_part.items() if part == "held-out"}
                taught = "it is taught on the part choice: measure it on --part held-out"
                if not measured:
                    raise InputError(taught)
                scored = measured["held-out"]
                found.not_run.update({f"{name}, {part}": taught for part in parts if part not in measured})
            for kind in prompts if name in BY_SENTENCES else [None]:
                label = name if kind is None else f"{name}, {kind}"
                if label not in found.methods:
                    note(_run(name, prompts, kind, scored, folder, progress), label, measured, scored)
        except RamError as error:
            found.not_run[name] = str(error).rstrip(".")
        keep(found)
    for path in results:
        theirs = read_result(path, photos)
        note(theirs, theirs.name, of_part, photos)
    keep(found)
    return found


def _run(
    name: str,
    prompts: Mapping[str, Sentences],
    kind: str | None,
    photos: LabelledPhotos,
    folder: Path,
    progress: ProgressCallback,
) -> Result:
    if name in OURS:
        return run_model(name, photos, progress)
    sentences = prompts[next(iter(prompts)) if kind is None else kind]
    return run_baseline(name, sentences, photos, folder, progress)


def sentences_of(tags: Sequence[str], kind: str, file: Path | None = None) -> Sentences:
    """Sentences of each tag for one of :data:`PROMPT_KINDS`.

    Descriptions are those of a file, with a hand-written prompt for a tag that it lacks; without a file they are those
    that ram-plus-lite has, and the lexicon's for tags that are not in its vocabulary.

    Raises:
        InputError: there is no such kind, or the file cannot be read.
    """
    if kind != DESCRIPTIONS:
        return prompts_of(tags, kind)
    plain = prompts_of(tags, PROMPTS[0])
    if file is not None:
        given = TagDescriptions.load(file)
        return {tag: given[tag] if tag in given else plain[tag] for tag in tags}
    tagger = load("ram-plus-lite", device="cpu")
    new = [tag for tag, known in zip(tags, names_in(tagger.bank.vocabulary.tags, tags), strict=True) if known is None]
    bank = bank_for(tagger, tags, describe_names(new) if new else None)
    return {
        tag: bank.descriptions[name or tag]
        for tag, name in zip(tags, names_in(bank.vocabulary.tags, tags), strict=True)
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.taggers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--part", choices=PARTS, nargs="+", help="of the photos (held-out; with --output all, too)")
    parser.add_argument("--methods", metavar="NAMES", help=f"of {', '.join((*OURS, *baselines()))} (all)")
    parser.add_argument("--photos", type=int, metavar="N", help="only so many, for a trial (all)")
    parser.add_argument("--results", type=Path, nargs="+", default=[], metavar="FILE", help="others' results, JSON")
    parser.add_argument(
        "--prompts", choices=PROMPT_KINDS, nargs="+", default=PROMPT_KINDS, help="of baselines that read text (all)"
    )
    parser.add_argument("--descriptions", type=Path, metavar="FILE", help="for --prompts descriptions, JSON")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write a result file")
    parser.add_argument("--resume", action="store_true", help="go on with the run of that file")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    args = parser.parse_args(arguments)
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # one sentence says what is missing
    every = (*OURS, *baselines())
    methods = every if args.methods is None else tuple(filter(None, args.methods.split(",")))
    parts = args.part or (("held-out",) if args.output is None else ("all", "held-out"))
    command = recorded_command(parser, args, ("output", "resume", "json", "results"))
    if args.output is not None:
        command += f" --output benchmarks/results/{args.output.name}"

    def keep(found: Comparison) -> None:
        if args.output is not None:
            write_comparison(found, args.output, command, ABOUT)

    try:
        if unknown := [name for name in methods if name not in every]:
            raise InputError(f"there is no method {unknown[0]!r}: choose of {', '.join(every)}")
        kinds = args.prompts if set(methods) & set(BY_SENTENCES) else PROMPTS[:1]
        tags = load_labelled("all").benchmark.tags
        prompts = {kind: sentences_of(tags, kind, args.descriptions) for kind in kinds}
        with Progress() as progress:
            before = args.output if args.resume else None
            found = compare(
                methods, args.results, prompts, parts, count=args.photos, before=before, keep=keep, progress=progress
            )
    except RamError as error:
        say(str(error))
        raise SystemExit(2) from None
    if args.json:
        print_json(asdict(found))
    else:
        _print(found)


ABOUT = (
    "Fractions in 0..1 at the thresholds that a model ships with, or 0.5; seconds are medians over the photos, each "
    "opened and scored on its own."
)


def _print(found: Comparison) -> None:
    for part, counts in found.parts.items():
        print(
            f"{part}: {counts['photos']} photos, {counts['tags']} tags, {counts['tags_with_a_positive']} of them "
            f"present somewhere, {counts['present_a_photo']:.1f} a photo, {counts['hard_negatives']} hard negatives"
        )
        rows = [(name.rpartition(", ")[0], row) for name, row in found.rows.items() if name.endswith(f", {part}")]
        print_table([table_head(), *((method, *row_cells(row)) for method, row in rows)])
    for method, remark in found.notes.items():
        print(f"{method}: {remark}")
    for method, reason in found.not_run.items():
        print(f"{method}: not run: {reason}")


def _median(times: Sequence[tuple[float, float]], column: int) -> float:
    return median(time[column] for time in times)


if __name__ == "__main__":
    main()
