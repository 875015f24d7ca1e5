"""``ram calibrate``: a model's thresholds chosen on a development set."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ram.cli.options import add_device_options, add_json_option, open_tagger
from ram.cli.terminal import Progress, print_json, print_table, printable, say

if TYPE_CHECKING:
    from ram.text.vocabulary import TagVocabulary

_VOCABULARY = "vocabulary.csv"
_RATES = ("CP", "CR", "CF1", "OP", "OR", "OF1")


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "calibrate",
        help="choose a model's thresholds on annotated pictures",
        description="Choose the threshold of each tag on annotated pictures of a development set, for the best F1 or "
        "for a precision, and write them into the model folder. A tag with few positives is steadied by the threshold "
        "that is best for all tags together; a tag without one keeps its threshold, since the annotations may just not "
        "speak of it. Figures are those of the development set itself: `ram evaluate` on other pictures tells what "
        "they are worth.",
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
        "--for", dest="goal", default="f1", metavar="GOAL", help="f1, or precision=0.8: as many as that allows (f1)"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="leave MODEL as it is, and write a copy of it here"
    )
    add_json_option(parser)
    add_device_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ram.checkpoints.model_folder import find_model
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
    """Complain before the work is done, not after it."""
    from ram.checkpoints.model_folder import find_model, model_entries

    if output is None:
        shipped = [find_model(entry.name) for entry in model_entries() if entry.source == "shipped"]
        if folder.resolve() in {each.resolve() for each in shipped}:
            raise ValueError(f"{folder.name} comes with the package and stays as it is: copy it with --output FOLDER")
    elif output.exists():
        raise ValueError(f"{str(output)!r} is there already: choose another --output")
    elif not output.parent.is_dir():
        raise ValueError(f"{str(output)!r} cannot be written: there is no folder {str(output.parent)!r}")


def _write(folder: Path, output: Path | None, vocabulary: TagVocabulary) -> None:
    """Into the model folder, or into a copy of it, which appears when it is whole."""
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
        f"  {report['changed']} of {report['tags']} thresholds changed; {report['without_positive']} tags without a "
        "positive kept theirs"
    )
    before, after = report["before"], report["after"]
    print_table([("", "before", "after"), *((name, f"{before[name]:.3f}", f"{after[name]:.3f}") for name in _RATES)])
    if report["unknown_tags"]:
        say(f"{report['unknown_tags']} tags of the data set are not in the vocabulary and were left out")
    say(f"the thresholds are in {printable(report['folder'])}")
