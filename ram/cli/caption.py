"""``ram caption``: write a sentence about each picture; results as text, JSON, JSON lines or CSV."""

from __future__ import annotations

import argparse
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

from ram.cli.options import (
    BEAMS,
    add_beams_option,
    add_device_options,
    add_image_limit_option,
    add_json_option,
    add_model_option,
    add_reranking_option,
    image_limits,
    open_tagger,
)
from ram.cli.output import CAPTION_SUFFIXES, CaptionReport, JsonReport
from ram.cli.picture_run import (
    PictureRun,
    add_output_options,
    add_pictures_argument,
    add_unreadable_option,
    open_results,
    reporting,
)
from ram.cli.stopping import sigterm_as_interrupt
from ram.cli.terminal import Progress
from ram.errors import ImageError, InputError
from ram.export.formats import CAPTION_COLUMNS, CAPTIONS, Report, readable_name
from ram.export.result_files import ResultFile
from ram.text.names import parse_categories

if TYPE_CHECKING:
    from ram.tagger import Tagger

DEFAULT_MODEL, RERANKER = "tag2text-lite", "ram-plus-lite"


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "caption",
        help="write captions",
        description="Write a sentence about each picture, guided by the tags that the model finds in it, or by the "
        "tags you give.",
        epilog='examples: ram caption photo.jpg --tags "dog, frisbee"; ram caption photos/ --output captions.jsonl',
    )
    add_pictures_argument(parser)
    add_model_option(parser, DEFAULT_MODEL)
    parser.add_argument(
        "--tags", metavar="LIST", help='guide the captions by these tags in place of those found: "dog, frisbee"'
    )
    add_beams_option(parser)
    add_reranking_option(parser, f"{RERANKER} for {DEFAULT_MODEL} without --tags, else none")
    add_json_option(parser)
    add_output_options(parser, ".jsonl (one object per picture) or .csv")
    add_unreadable_option(parser, "captions")
    add_image_limit_option(parser)
    add_device_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    with sigterm_as_interrupt():
        return _run(args)


def _run(args: argparse.Namespace) -> int:
    tags = None if args.tags is None else parse_categories(args.tags)
    if args.rerank_by not in (None, "none") and tags is not None:
        raise InputError("--rerank-by guides the captions by tags of its own: leave out --tags")
    usual = RERANKER if args.model == DEFAULT_MODEL and tags is None else "none"
    reranker = args.rerank_by or usual
    results = open_results(args, CAPTION_SUFFIXES, CAPTIONS, CAPTION_COLUMNS)
    run = PictureRun(CAPTIONS, args.pictures, args.output, args.unreadable)
    with run.stoppable(goes_on=results is not None):
        if run.pictures:
            tagger = open_tagger(args, args.model)
            if results is not None:
                results.check_model(tagger.name)
                run.skip_written(results)
            judge = None if reranker == "none" else open_tagger(args, reranker)
            with closing(_caption(tagger, judge, tags, run.coming, results, args)) as captioned:
                run.follow(captioned)
    if results is not None:
        run.say_written(results.path)
    return run.exit_code()


def _caption(
    tagger: Tagger,
    judge: Tagger | None,
    tags: Sequence[str] | None,
    pictures: Sequence[Path],
    results: ResultFile | None,
    args: argparse.Namespace,
) -> Generator[tuple[Path, ImageError | None]]:
    """Report every picture; yield each when it is reported, with the reason if it cannot be read."""
    from ram.backends import captioner_of
    from ram.caption_reranking import best_captions

    captioner_of(tagger)  # a model without a captioner says so
    with ExitStack() as stack:
        reports: list[Report] = []
        if results is not None:
            reports.append(stack.enter_context(results.writing(pictures)))
        if args.json or not reports:
            reports.append(JsonReport() if args.json else CaptionReport())
        progress = stack.enter_context(Progress(shown=not any(isinstance(one, CaptionReport) for one in reports)))
        report = stack.enter_context(reporting(reports))
        beams, limits = args.beams or BEAMS, image_limits(args)
        if judge is None:
            written = tagger.caption_through(pictures, tags, beams, limits=limits)
        else:
            written = best_captions(tagger, judge, pictures, beams, limits)
        for done, (picture, found) in enumerate(zip(pictures, written, strict=True)):
            progress("captioning", done, len(pictures))
            if isinstance(found, ImageError):
                yield picture, found
                continue
            named = {"image": readable_name(str(picture)), "model": tagger.name}
            report({**named, "caption": found.text, "tags": list(found.tags)})
            yield picture, None
