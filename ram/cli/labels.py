"""``ram labels``: build a label system from captions, with a report on every word."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from ram.cli.options import add_json_option, add_processes_option, add_split_option, positive, read_texts
from ram.cli.terminal import Progress, print_json, print_table, printable
from ram.errors import InputError
from ram.labels.building import MAX_TAGS, MIN_PICTURES, BuiltSystem, Verdict, build_label_system
from ram.labels.captions import select_split
from ram.labels.label_system import VOCABULARY
from ram.labels.parsing import ParsedTag
from ram.labels.reviewed_lists import ReviewedLists, shipped_lists
from ram.text.files import read_lines, write_table
from ram.text.vocabulary import KINDS

REPORT = "report.csv"
EXAMPLES = 8


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "labels",
        help="build a label system from captions",
        description="Build a label system as in RAM, section 3.1: frequent objects, scenes, attributes and actions of "
        "the captions, with their synonyms. `ram parse --labels FOLDER` uses it.",
        epilog="example: ram labels captions.json --output labels --exclude unseen.txt",
    )
    parser.add_argument(
        "captions", type=Path, nargs="+", metavar="CAPTIONS", help="pictures and captions, as for `ram parse`"
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="FOLDER",
        help=f"where vocabulary.csv, synonyms.csv and {REPORT} go",
    )
    parser.add_argument(
        "--exclude",
        type=Path,
        metavar="FILE",
        help="tags to leave out, one per line, with their synonyms, plurals and other forms",
    )
    parser.add_argument(
        "--least", type=positive, default=MIN_PICTURES, metavar="N", help="pictures that must name a tag (%(default)s)"
    )
    parser.add_argument(
        "--most",
        type=positive,
        default=MAX_TAGS,
        metavar="N",
        help="largest number of tags, some of every kind (%(default)s)",
    )
    add_split_option(parser, "of the first file, ")
    add_processes_option(parser)
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    _check_folder(args.output)
    exclude = read_lines(args.exclude) if args.exclude else []
    lists = shipped_lists()
    pictures = _read(args, lists)
    with Progress() as progress:
        progress("choosing tags", 0, 1)
        built = build_label_system(pictures, lists, exclude, args.least, args.most)
    args.output.mkdir(exist_ok=True)
    built.system.save(args.output)
    _write_report(built, args.output / REPORT)
    merged = _by_reason(verdict for verdict in built.verdicts if verdict.tag and verdict.reason)
    dropped = _by_reason(verdict for verdict in built.verdicts if not verdict.tag)
    if args.json:
        print_json(_document(args.output, len(pictures), built, merged, dropped))
        return 0
    kinds = ", ".join(f"{len(built.tags(kind))} {kind}s" for kind in KINDS)
    print(f"{len(built.system)} tags from {len(pictures)} pictures: {kinds}")
    for title, reasons in (("merged", merged), ("dropped", dropped)):
        print(f"{title} {sum(map(len, reasons.values()))} words:")
        if reasons:
            print_table([_row(reason, verdicts) for reason, verdicts in reasons.items()], "<>")
    print(f"written: {printable(str(args.output))}, {REPORT} lists every word")
    return 0


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{str(folder)!r} is a file: name a folder for the label system")
    if not folder.absolute().parent.is_dir():
        raise InputError(f"{str(folder)!r} cannot be made: the folder {str(folder.parent)!r} does not exist")
    if (folder / VOCABULARY).exists() and not (folder / REPORT).exists():
        raise InputError(f"{str(folder)!r} holds a vocabulary that `ram labels` did not make: name another folder")


def _read(args: argparse.Namespace, lists: ReviewedLists) -> list[tuple[ParsedTag, ...]]:
    """Return the parsed tags of each picture of all files."""
    from ram.labels.parallel import parse_captions

    files = [read_texts(path) for path in args.captions]
    if args.split is not None:
        files[0] = select_split(files[0], Path(args.split[0]), args.split[1])
    texts = [text for file in files for text in file.values()]
    sentences = [sentence for text in texts for sentence in text.sentences]
    phrases = [name for name in {*lists.lexicon.names, *lists.words} if " " in name]
    parsed = parse_captions(sentences, sorted(phrases), args.processes)
    known: dict[ParsedTag, ParsedTag] = {}  # share equal tags: there may be millions
    pictures = []
    with Progress() as progress:
        progress("loading the parser", 0, 1)
        for done, text in enumerate(texts):
            found = [tag for tags in islice(parsed, len(text.sentences)) for tag in tags]
            progress("reading captions", done, len(texts))
            pictures.append(tuple(dict.fromkeys(known.setdefault(tag, tag) for tag in found)))
    return pictures


def _by_reason(verdicts: Any) -> dict[str, list[Verdict]]:
    """Group verdicts by reason, most frequent first; all exclusions are one group."""
    reasons: defaultdict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        reasons[verdict.reason.partition(":")[0]].append(verdict)
    return dict(sorted(reasons.items(), key=lambda item: -len(item[1])))


def _row(reason: str, verdicts: Sequence[Verdict]) -> tuple[str, str, str]:
    shown = (f"{verdict.word} > {verdict.tag}" if verdict.tag else verdict.word for verdict in verdicts)
    more = ", ..." if len(verdicts) > EXAMPLES else ""
    return reason, str(len(verdicts)), ", ".join(islice(shown, EXAMPLES)) + more


def _document(
    folder: Path,
    pictures: int,
    built: BuiltSystem,
    merged: dict[str, list[Verdict]],
    dropped: dict[str, list[Verdict]],
) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "pictures": pictures,
        "tags": list(built.system.vocabulary.tags),
        "kinds": {kind: len(built.tags(kind)) for kind in KINDS},
        "merged": {reason: {one.word: one.tag for one in verdicts} for reason, verdicts in merged.items()},
        "dropped": {reason: [one.word for one in verdicts] for reason, verdicts in dropped.items()},
    }


def _write_report(built: BuiltSystem, path: Path) -> None:
    write_table(path, Verdict._fields, built.verdicts)
