"""``ram tag``: tag pictures and folders; results as text, in a file, or beside and within the pictures."""

from __future__ import annotations

import argparse
from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from ram.cli.options import (
    add_device_options,
    add_image_limit_option,
    add_json_option,
    add_model_option,
    cores,
    fraction,
    image_limits,
    open_tagger,
    positive,
)
from ram.cli.output import SUFFIXES, JsonReport, TextReport
from ram.cli.picture_run import (
    PictureRun,
    add_output_options,
    add_pictures_argument,
    add_unreadable_option,
    open_results,
    reporting,
)
from ram.cli.scored_tags import add_vocabulary_options, at_threshold, scored_bank, typed_tags
from ram.cli.stopping import sigterm_as_interrupt
from ram.cli.tag_cluster import add_engine_options, refuse_without_engine, run_engine
from ram.cli.tag_language import add_language_option, given_names, is_translated, say_without_names
from ram.cli.tag_writers import TagWriters, add_writer_options
from ram.cli.terminal import Progress, printable, say
from ram.errors import ImageError, InputError
from ram.export.formats import TAG_COLUMNS, TAGS, TRANSLATED_COLUMNS, Report, listed, record_of
from ram.export.result_files import ResultFile

if TYPE_CHECKING:
    from ram.tagger import Tagger


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "tag",
        help="tag pictures",
        description="Tag pictures. The list holds the tags over their thresholds, at least the 10 most probable, and "
        "the categories you type; --top and --threshold replace this rule. Each tag is shown with its probability, its "
        "threshold, and its heaviest description with its weight.",
        epilog='examples: ram tag photos/ --tags "corgi, meteor shower" --output tags.csv; '
        'ram tag photo.jpg --tags "dog, cat" --only; ram tag photos/ --sidecars --watch 5; '
        'ram tag photos/ --pack pets.tagpack --pack birds.tagpack',
    )
    add_pictures_argument(parser)
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
    add_output_options(parser, ".jsonl (one object per picture), .csv, or .json (COCO)")
    add_writer_options(parser)
    parser.add_argument(
        "--watch",
        type=positive,
        metavar="SECONDS",
        help="go on with pictures that are added later, and look for them every so many seconds, until Ctrl-C",
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
    add_language_option(parser, "write each tag by its name in this language")
    add_unreadable_option(parser, "tags", within="a folder that gets --sidecars, --embed or --txt")
    add_engine_options(parser)
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
    if args.engine:
        return run_engine(args, typed_tags(args))
    refuse_without_engine(args)
    typed, writers, names = typed_tags(args), TagWriters(args), given_names(args)
    translated = args.translations or is_translated(args)
    columns = TRANSLATED_COLUMNS if translated else TAG_COLUMNS
    results = open_results(args, SUFFIXES, TAGS, columns, overwrites=writers.marking)
    run = PictureRun(TAGS, args.pictures, args.output, args.unreadable, within=writers.change)
    skipping = writers.marking or args.txt == "keep"
    with writers.locked(), run.stoppable(goes_on=results is not None or skipping):
        if run.pictures or args.watch:
            tagger = open_tagger(args, args.model, args.compile)
            bank, typed = scored_bank(tagger, typed, args)
            bank = at_threshold(bank, args.threshold)
            if args.translations and not any(bank.vocabulary.translations):
                raise InputError(
                    f"{tagger.name} has no names in another language: leave --translations out, or add --vocabulary "
                    "official for Chinese"
                )
            if names:
                bank = replace(bank, vocabulary=names.translate(bank.vocabulary))
            writers.use(bank.vocabulary, names)
            if results is not None:
                results.check_model(tagger.name)
                run.skip_written(results)
                if not args.overwrite:
                    run.done = [picture for picture in run.done if writers.hold(picture, tagger.name, marking=True)]
            elif skipping and not (args.json or args.overwrite):
                run.done = _tagged(run.pictures, writers, tagger.name)
            with closing(_tag(tagger.with_bank(bank), typed, run.rounds(args.watch), results, writers, args)) as tagged:
                run.follow(tagged)
    if results is not None:
        run.say_written(results.path)
    writers.say_written()
    return run.exit_code()


def _tagged(pictures: Sequence[Path], writers: TagWriters, model: str) -> list[Path]:
    """Pictures that have their tags everywhere already, with a line on how many there are."""
    skipped = [picture for picture in pictures if writers.hold(picture, model)]
    if skipped:
        again = "--overwrite tags" if writers.marking else "--txt add or replace tags"
        have = "have their tags" if writers.marking else "have a .txt"
        say(f"{len(skipped)} of {len(pictures)} pictures {have} already: {again} them again")
    return skipped


def _tag(
    tagger: Tagger,
    typed: Sequence[str],
    rounds: Iterable[Sequence[Path]],
    results: ResultFile | None,
    writers: TagWriters,
    args: argparse.Namespace,
) -> Generator[tuple[Path, ImageError | None]]:
    """Report the pictures of every round; yield each when it is reported, with the reason if it cannot be used."""
    from ram.images.opening import upright_size
    from ram.images.reading import worker_count

    coming = iter(rounds)
    first = next(coming, ())
    translated = args.translations or is_translated(args)
    lacking: dict[str, None] = {}
    with ExitStack() as stack:
        stack.callback(say_without_names, lacking, args)
        reports: list[Report] = []
        if results is not None:
            reports.append(stack.enter_context(results.writing(first, tagger.bank.vocabulary.tags)))
        if args.json or not (reports or writers):
            reports.append(JsonReport() if args.json else TextReport())
        progress = stack.enter_context(Progress(shown=not any(isinstance(r, TextReport) for r in reports)))
        report = stack.enter_context(reporting(reports))
        for pictures in chain([first], coming):
            # on a CPU, processes would take the cores from the model, which is the slower part
            workers = 0 if tagger.device.type == "cpu" else worker_count(len(pictures), cores())
            looks = tagger.look_through(pictures, workers, image_limits(args))
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
                    str(picture), tagger.name, prediction, scores, lean=args.lean, translations=translated
                )
                if is_translated(args):
                    lacking.update(dict.fromkeys(one["tag"] for one in record["scores"] if not one["translation"]))
                if results is not None and results.is_coco:
                    try:
                        record["width"], record["height"] = upright_size(picture)
                    except ImageError as gone:  # meanwhile
                        yield picture, gone
                        continue
                fault = writers.add(picture, record)  # first: what is in the results is done
                if results is None or args.overwrite or picture not in results:
                    report(record)
                yield picture, fault
