"""``ram calibrate``: choose a model's thresholds on a development set."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ram.cli.options import add_device_options, add_json_option, open_tagger
from ram.cli.terminal import Progress, print_json, print_table, printable, say
from ram.errors import InputError

if TYPE_CHECKING:
    from ram.text.vocabulary import TagVocabulary

_VOCABULARY = "vocabulary.csv"
_RATES = ("CP", "CR", "CF1", "OP", "OR", "OF1")


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "calibrate",
        help="choose a model's thresholds on annotated pictures",
        description="Choose the threshold of each tag on annotated pictures of a development set, for the best F1 or "
        "for a precision, and write them into the model folder. For a tag with few positives the threshold is drawn "
        "towards the best one for all tags together; a tag without positives keeps its threshold, since the "
        "annotations may not cover it. The figures printed are those of the development set: "
        "measure on other pictures with `ram evaluate`.",
        epilog="example: ram calibrate runs/own/model dev.json --images photos --for precision=0.8",
    )
    parser.add_argument("model", metavar="MODEL", help="a model folder; one of `ram models` with --output")
    parser.add_argument(
        "dataset",
        type=Path,
        metavar="DATASET",
        help='JSON [{"image": "1.jpg", "tags": ["dog", ...]}, ...], triplets of `ram parse` in the ids of this model, '
        "or a folder with *_taglist.txt, *_annots.txt and imgs/",
    )
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="where the pictures are")
    parser.add_argument(
        "--for", dest="goal", default="f1", metavar="GOAL", help="f1 (default), or precision=0.8"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="leave MODEL unchanged and write a copy here"
    )
    add_json_option(parser)
    add_device_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ram.checkpoints.registry import find_model
    from ram.evaluation.benchmarks import load_benchmark
    from ram.evaluation.calibration import parse_goal
    from ram.evaluation.tagging import calibrate_tagger

    goal, folder = parse_goal(args.goal), find_model(args.model)
    _check_output(folder, args.output)
    tagger = open_tagger(args, args.model)
    benchmark = load_benchmark(args.dataset, args.images, tagger.bank.vocabulary)
    with Progress() as progress:
        calibration = calibrate_tagger(tagger, benchmark, goal, progress)
    _write(folder, args.output, calibration.vocabulary)
    report = {
        "dataset": benchmark.name,
        "model": tagger.name,
        "for": args.goal,
        "folder": str(args.output or folder),
        **calibration.to_dict(),
    }
    if args.json:
        print_json(report)
    else:
        _print(report)
    return 0


def _check_output(folder: Path, output: Path | None) -> None:
    """Refuse an output that cannot be written, before any work is done."""
    from ram.checkpoints.registry import find_model, model_entries

    if output is None:
        shipped = [find_model(entry.name) for entry in model_entries() if entry.source == "shipped"]
        if folder.resolve() in {each.resolve() for each in shipped}:
            raise InputError(f"{folder.name} is part of the package: write a copy with --output FOLDER")
    elif output.exists():
        raise InputError(f"{str(output)!r} already exists: choose another --output")
    elif not output.parent.is_dir():
        raise InputError(f"{str(output)!r} cannot be written: the folder {str(output.parent)!r} does not exist")


def _write(folder: Path, output: Path | None, vocabulary: TagVocabulary) -> None:
    """Write into the model folder, or into a copy that appears when it is complete."""
    if output is None:
        return vocabulary.save(folder / _VOCABULARY)
    partial = output.with_name(f"{output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    for file in folder.iterdir():
        if file.is_file():
            shutil.copyfile(file, partial / file.name)
    vocabulary.save(partial / _VOCABULARY)
    partial.rename(output)


def _print(report: dict[str, Any]) -> None:
    print(f"{printable(report['model'])} on {report['pictures']} pictures of {printable(report['dataset'])}")
    print(
        f"  {report['changed']} of {report['tags']} thresholds changed; {report['without_positive']} tags without "
        "positives kept theirs"
    )
    before, after = report["before"], report["after"]
    print_table([("", "before", "after"), *((name, f"{before[name]:.3f}", f"{after[name]:.3f}") for name in _RATES)])
    if report["unknown_tags"]:
        say(f"{report['unknown_tags']} tags of the data set are not in the vocabulary and were left out")
    say(f"the thresholds are in {printable(report['folder'])}")
