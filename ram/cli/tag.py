"""``ram tag``: tag pictures and folders; results as text, JSON, JSON lines or CSV."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ram.cli.options import (
    add_device_options,
    add_json_option,
    add_model_option,
    check_writable,
    cores,
    fraction,
    open_tagger,
    positive,
)
from ram.cli.output import SUFFIXES, JsonReport, Report, TextReport, open_report
from ram.cli.scored_tags import add_vocabulary_options, scored_bank, typed_tags
from ram.cli.terminal import Progress, printable, say
from ram.export.formats import listed, record_of

if TYPE_CHECKING:
    from ram.tagger import Tagger

MAX_LISTED_FAILURES = 20
"""Unreadable pictures that are listed by name."""


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "tag",
        help="tag pictures",
        description="Tag pictures. The list holds the tags over their thresholds, at least the 10 most probable, and "
        "the categories you type; --top and --threshold replace this rule. Each tag is shown with its probability, its "
        "threshold, and its heaviest description with its weight.",
        epilog='examples: ram tag photos/ --tags "corgi, meteor shower" --output tags.csv; '
        'ram tag photo.jpg --tags "dog, cat" --only; ram tag photos/ --pack pets.tagpack --pack birds.tagpack',
    )
    parser.add_argument(
        "pictures", nargs="+", metavar="PICTURE", help="a picture, a folder of pictures, or a pattern such as *.jpg"
    )
    add_model_option(parser)
    add_vocabulary_options(parser)
    parser.add_argument(
        "--shortlist",
        type=positive,
        metavar="N",
        help="with thousands of tags: score only the N nearest to each picture and those of --tags; faster, but a tag "
        "may be missed",
    )
    parser.add_argument("--top", type=positive, metavar="K", help="list the K most probable tags")
    parser.add_argument(
        "--threshold", type=fraction, metavar="T", help="list the tags over T instead of over their own thresholds"
    )
    add_json_option(parser)
    parser.add_argument("--output", type=Path, metavar="FILE", help="write .jsonl (one object per picture) or .csv")
    add_device_options(parser)
    parser.add_argument(
        "--compile",
        action="store_true",
        help="compile the image encoder first: takes a minute, then each picture is faster; pays for thousands",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    typed = typed_tags(args)
    if args.output is not None:
        check_writable(args.output, SUFFIXES)
    pictures, failures = _find(args.pictures)
    total = len(pictures) + len(failures)
    if pictures:
        tagger = open_tagger(args, args.model, args.compile)
        bank, typed = scored_bank(tagger, typed, args)
        if args.threshold is not None:
            bank = bank.with_thresholds((args.threshold,) * len(bank))
        failures += _tag(tagger.with_bank(bank), typed, pictures, args)
    if args.output is not None and pictures:
        say(f"{total - len(failures)} of {total} pictures are in {printable(str(args.output))}")
    if failures:
        _report_failures(failures, total)
    return 2 if failures else 0


def _tag(
    tagger: Tagger, typed: Sequence[str], pictures: Sequence[Path], args: argparse.Namespace
) -> list[tuple[str, str]]:
    """Report every picture; return those that cannot be read, each with the reason."""
    from ram.errors import ImageError
    from ram.images.reading import worker_count

    failures = []
    with ExitStack() as stack:
        reports: list[Report] = [open_report(stack, args.output)] if args.output is not None else []
        if args.json or not reports:
            reports.append(JsonReport() if args.json else TextReport())
        progress = stack.enter_context(Progress(shown=not any(isinstance(r, TextReport) for r in reports)))
        # on a CPU, processes would take the cores from the model, which is the slower part
        workers = 0 if tagger.device.type == "cpu" else worker_count(len(pictures), cores())
        looks = tagger.look_through(pictures, workers)
        for done, (picture, features) in enumerate(zip(pictures, looks, strict=True)):
            progress("tagging", done, len(pictures))
            if isinstance(features, ImageError):
                failures.append((str(picture), str(features)))
                continue
            bank = None if args.shortlist is None else tagger.shortlist(features, args.shortlist, keep=typed)
            prediction = tagger.score(features, bank)
            scores = listed(prediction, typed, args.top, args.threshold)
            record = record_of(str(picture), tagger.name, prediction, scores)
            for report in reports:
                report.add(record)
        for report in reports:
            report.finish()
    return failures


def _find(paths: Sequence[str]) -> tuple[list[Path], list[tuple[str, str]]]:
    """Return the pictures that the arguments name, and what cannot be used, each with the reason."""
    from ram.errors import ImageError
    from ram.images.folders import search

    pictures: dict[Path, None] = {}
    failures = []
    for path in paths:
        try:
            found = search(path)
        except ImageError as error:
            failures.append((path, str(error)))
            continue
        for notice in found.notices():
            say(printable(f"{path}: {notice}"))
        pictures.update(dict.fromkeys(found.images))
        failures += [(str(folder), f"{folder.name} cannot be listed: {reason}") for folder, reason in found.unreadable]
    return list(pictures), failures


def _report_failures(failures: Sequence[tuple[str, str]], total: int) -> None:
    if total == 1:
        say(f"ram tag: {printable(failures[0][1])}")
        return
    say(f"ram tag: {len(failures)} of {total} pictures could not be read:")
    for path, reason in failures[:MAX_LISTED_FAILURES]:
        say(printable(f"  {reason}" if path in reason else f"  {path}: {reason}"))
    if len(failures) > MAX_LISTED_FAILURES:
        say(f"  and {len(failures) - MAX_LISTED_FAILURES} more")
