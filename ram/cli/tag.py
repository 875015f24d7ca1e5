"""``ram tag``: tag pictures and folders; results as text, JSON, JSON lines, CSV, COCO, or a .txt beside each."""

from __future__ import annotations

import argparse
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ram.cli.options import (
    add_device_options,
    add_image_limit_option,
    add_json_option,
    add_model_option,
    check_writable,
    cores,
    fraction,
    image_limits,
    open_tagger,
    positive,
)
from ram.cli.output import SUFFIXES, JsonReport, TextReport
from ram.cli.scored_tags import add_vocabulary_options, scored_bank, typed_tags
from ram.cli.stopping import sigterm_as_interrupt
from ram.cli.terminal import Progress, printable, say
from ram.errors import ImageError, InputError
from ram.export.fault_list import read_faults, save_faults
from ram.export.formats import EXCEL_CSV, PLAIN_CSV, Record, Report, listed, record_of
from ram.export.result_files import ResultFile
from ram.export.tag_files import EXISTING, TagFiles, text_file

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
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="write .jsonl (one object per picture), .csv, or .json (COCO). A file that exists is continued: pictures "
        "that it holds are skipped, the others are added",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace --output instead of continuing it")
    parser.add_argument(
        "--excel",
        choices=tuple(EXCEL_CSV),
        help="write .csv for Excel; semicolon where your system separates lists by semicolons and writes 0,5",
    )
    parser.add_argument(
        "--txt",
        choices=EXISTING,
        help="write the tags of each picture into a .txt beside it, separated by commas; a .txt that exists is kept, "
        "gets the tags that it lacks, or is replaced",
    )
    parser.add_argument(
        "--lean", action="store_true", help="leave out the descriptions: a picture then takes 1 KB instead of 16 KB"
    )
    parser.add_argument(
        "--translations",
        action="store_true",
        help="write each tag in its second language too (Chinese with the official models or --vocabulary official); "
        "into .txt in place of the tag",
    )
    parser.add_argument(
        "--unreadable",
        type=Path,
        metavar="FILE",
        help="write the pictures that cannot be read, with the reasons, to this .csv; with --output tags.jsonl they "
        "are in tags.unreadable.csv",
    )
    add_image_limit_option(parser)
    add_device_options(parser)
    parser.add_argument(
        "--compile",
        action="store_true",
        help="compile the image encoder first: takes a minute, then each picture is faster; pays for thousands",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    with sigterm_as_interrupt():
        return _run(args)


def _run(args: argparse.Namespace) -> int:
    typed = typed_tags(args)
    results = _result_file(args)
    unreadable = args.unreadable or (args.output and args.output.with_suffix(".unreadable.csv"))
    if unreadable is not None:
        check_writable(unreadable, (".csv",))
        read_faults(unreadable)
    pictures, failures = _find(args.pictures)
    total = len(pictures) + len(failures)
    done: list[Path] = []
    texts = TagFiles(args.txt, listed=args.top is not None) if args.txt is not None else None
    try:
        if pictures:
            tagger = open_tagger(args, args.model, args.compile)
            bank, typed = scored_bank(tagger, typed, args)
            if args.threshold is not None:
                bank = bank.with_thresholds((args.threshold,) * len(bank))
            if args.translations and not any(bank.vocabulary.translations):
                raise InputError(
                    f"{tagger.name} has no names in another language: leave --translations out, or add --vocabulary "
                    "official for Chinese"
                )
            if results is not None:
                results.check_model(tagger.name)
                done = _skipped(results, pictures)
            elif args.txt == "keep" and not args.json:
                done = _with_text(pictures)
            skipped = set(done)
            coming = [picture for picture in pictures if picture not in skipped]
            with closing(_tag(tagger.with_bank(bank), typed, coming, results, texts, args)) as tagged:
                for picture, fault in tagged:
                    done.append(picture)
                    if fault is not None:
                        failures.append((str(picture), str(fault)))
    except KeyboardInterrupt:
        goes_on = results is not None or args.txt == "keep"
        go_on = "; run the same command again to go on" if goes_on else ""
        say(f"ram tag: stopped after {len(done)} of {len(pictures)} pictures{go_on}")
        raise
    finally:
        if unreadable is not None:
            save_faults(unreadable, failures, done)
    if results is not None and pictures:
        say(f"{total - len(failures)} of {total} pictures are in {printable(str(args.output))}")
    if texts is not None:
        kept = f", {texts.kept} that exist are kept" if texts.kept else ""
        say(f"{texts.written} .txt files are written beside the pictures{kept}")
    if failures:
        _report_failures(failures, total, unreadable)
    return 2 if failures else 0


def _result_file(args: argparse.Namespace) -> ResultFile | None:
    """The file of --output, checked before any work is done."""
    if args.output is None:
        if args.overwrite:
            raise InputError("--overwrite needs --output: name the file to replace")
    else:
        check_writable(args.output, SUFFIXES)
    if args.excel is not None and (args.output is None or args.output.suffix.lower() != ".csv"):
        raise InputError("--excel needs --output FILE.csv: name the file")
    if args.output is None:
        return None
    form = EXCEL_CSV[args.excel] if args.excel else PLAIN_CSV
    return ResultFile(args.output, replace(form, translations=args.translations), args.overwrite)


def _skipped(results: ResultFile, pictures: Sequence[Path]) -> list[Path]:
    """Pictures that the file holds already, with a line on what it holds."""
    skipped = [picture for picture in pictures if picture in results]
    name = printable(results.path.name)
    if skipped:
        say(f"{len(skipped)} of {len(pictures)} pictures are in {name} already (--overwrite tags them again)")
    if others := len(results) - len(skipped):
        say(f"{name} holds {others} other pictures: the new ones are added")
    return skipped


def _with_text(pictures: Sequence[Path]) -> list[Path]:
    """Pictures that have a .txt beside them, with a line on how many there are."""
    skipped = [picture for picture in pictures if text_file(picture).exists()]
    if skipped:
        say(f"{len(skipped)} of {len(pictures)} pictures have a .txt already: --txt add or replace tags them again")
    return skipped


def _tag(
    tagger: Tagger,
    typed: Sequence[str],
    pictures: Sequence[Path],
    results: ResultFile | None,
    texts: TagFiles | None,
    args: argparse.Namespace,
) -> Generator[tuple[Path, ImageError | None]]:
    """Report every picture; yield each when it is reported, with the reason if it cannot be read."""
    from ram.images.opening import upright_size
    from ram.images.reading import worker_count

    with ExitStack() as stack:
        reports: list[Report] = []
        if results is not None:
            reports.append(stack.enter_context(results.writing(pictures, tagger.bank.vocabulary.tags)))
        if args.json or not (reports or texts):
            reports.append(JsonReport() if args.json else TextReport())
        progress = stack.enter_context(Progress(shown=not any(isinstance(r, TextReport) for r in reports)))
        # on a CPU, processes would take the cores from the model, which is the slower part
        workers = 0 if tagger.device.type == "cpu" else worker_count(len(pictures), cores())
        looks = tagger.look_through(pictures, workers, image_limits(args))
        is_whole, done = False, 0
        try:
            for done, (picture, features) in enumerate(zip(pictures, looks, strict=True)):
                progress("tagging", done, len(pictures))
                if isinstance(features, ImageError):
                    yield picture, features
                    continue
                bank = None if args.shortlist is None else tagger.shortlist(features, args.shortlist, keep=typed)
                prediction = tagger.score(features, bank)
                if prediction.strength is None:  # of a shortlist
                    prediction = replace(prediction, strength=tagger.strength(features))
                if prediction.unlike:
                    say(printable(f"{picture}: unlike the photos this model was taught on, so its tags may be wrong"))
                scores = listed(prediction, typed, args.top, args.threshold)
                record = record_of(
                    str(picture), tagger.name, prediction, scores, lean=args.lean, translations=args.translations
                )
                if results is not None and results.is_coco:
                    try:
                        record["width"], record["height"] = upright_size(picture)
                    except ImageError as gone:  # meanwhile
                        yield picture, gone
                        continue
                for report in reports:
                    report.add(record)
                yield picture, _text_fault(texts, picture, record)
            is_whole = True
        finally:
            if is_whole or done:  # a run that is stopped leaves what is done
                for report in reports:
                    report.finish()


def _text_fault(texts: TagFiles | None, picture: Path, record: Record) -> ImageError | None:
    """Write the .txt of a picture; return why that cannot be done."""
    try:
        if texts is not None:
            texts.add(picture, record)
    except InputError as error:
        return ImageError(str(error))
    return None


def _find(paths: Sequence[str]) -> tuple[list[Path], list[tuple[str, str]]]:
    """Return the pictures that the arguments name, and what cannot be used, each with the reason."""
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


def _report_failures(failures: Sequence[tuple[str, str]], total: int, unreadable: Path | None) -> None:
    if total == 1:
        say(f"ram tag: {printable(failures[0][1])}")
        return
    say(f"ram tag: {len(failures)} of {total} pictures could not be read:")
    for path, reason in failures[:MAX_LISTED_FAILURES]:
        say(printable(f"  {reason}" if path in reason else f"  {path}: {reason}"))
    if len(failures) > MAX_LISTED_FAILURES:
        where = "--unreadable FILE lists all" if unreadable is None else f"all are in {unreadable}"
        say(printable(f"  and {len(failures) - MAX_LISTED_FAILURES} more; {where}"))
    elif unreadable is not None:
        say(printable(f"  they are listed in {unreadable}"))
