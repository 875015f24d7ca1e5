"""``ram generate``: add tags to training triplets by a trained model (RAM's data engine)."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ram.cli.options import (
    BEAMS,
    add_beams_option,
    add_device_options,
    add_json_option,
    add_model_option,
    check_writable,
    fraction,
    open_tagger,
)
from ram.cli.terminal import Progress, print_json, printable, say
from ram.cli.triplet_files import add_triplet_options, read_labels, read_triplets
from ram.errors import ImageError, InputError
from ram.text.files import listed_path, read_lines, write_json, write_table

if TYPE_CHECKING:
    from ram.text.vocabulary import TagVocabulary


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "generate",
        help="let a model add tags to training triplets",
        description="Score the pictures of training triplets, add the tags that the model finds, and remove those that "
        "it gives a very low probability. With --captioner, write a caption of each picture as well, and add it with "
        "the tags that are parsed from it. Train the next model on the result.",
        epilog="example: ram generate train.json --pictures photos --output more.json --clean-below 0.02",
    )
    add_triplet_options(parser)
    add_model_option(parser)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the triplets to write, .json")
    parser.add_argument(
        "--threshold", type=fraction, metavar="T", help="add tags over T (default: each tag's own threshold)"
    )
    parser.add_argument(
        "--clean-below", type=fraction, default=0.0, metavar="T", help="remove tags under T (none)"
    )
    parser.add_argument("--exclude", type=Path, metavar="FILE", help="tags that are never added, one per line")
    parser.add_argument(
        "--captioner", metavar="MODEL", help="add a caption by this model, such as tag2text-lite, and its tags (none)"
    )
    add_beams_option(parser, "; for --captioner")
    parser.add_argument("--counts", type=Path, metavar="FILE", help="pictures of each tag before and after, .csv")
    add_json_option(parser)
    add_device_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    check_writable(args.output, (".json",))
    if args.counts is not None:
        check_writable(args.counts, (".csv",))
    labels = read_labels(args.labels)
    triplets = read_triplets(args.triplets, len(labels))
    exclude = read_lines(args.exclude) if args.exclude is not None else ()
    tagger = open_tagger(args, args.model)

    from ram.training.data_engine.generation import DataEngine, tag_counts, with_captions

    engine = DataEngine(tagger, labels, args.threshold, args.clean_below, exclude)
    with Progress() as progress:
        changed = list(engine.annotate(triplets, args.pictures, progress))
    report = engine.report
    if not report.pictures:
        raise InputError(f"none of {len(triplets)} pictures can be read, such as: {report.unreadable[0]}")
    if args.captioner is not None:
        captions = _captions(args, triplets)
        merged = list(with_captions(changed, captions, _named(captions, args.labels, labels)))
        report.captions = sum(new is not old for new, old in zip(merged, changed, strict=True))
        report.after += sum(map(_added, merged, changed))
        changed = merged
    write_json(args.output, changed)
    if args.counts is not None:
        rows = tag_counts(triplets, changed, labels)
        write_table(args.counts, ("tag", "before", "after"), (row.values() for row in rows))
    if report.unreadable:
        say(printable(f"{len(report.unreadable)} pictures are unchanged, such as: {report.unreadable[0]}"))
    if args.json:
        print_json({"output": str(args.output), "model": tagger.name, **dataclasses.asdict(report)})
    else:
        print(
            f"{report.pictures} pictures, {report.generated} tags added, {report.cleaned} removed, "
            f"{report.before} before and {report.after} after: {printable(str(args.output))}"
        )
    return 0


def _captions(args: argparse.Namespace, triplets: Sequence[dict[str, Any]]) -> list[str | None]:
    """A caption of each picture; None where it cannot be read."""
    captioner = open_tagger(args, args.captioner)
    pictures = [listed_path(args.pictures, triplet["image_path"]) for triplet in triplets]
    written: list[str | None] = []
    with Progress() as progress:
        for done, caption in enumerate(captioner.caption_through(pictures, beams=args.beams or BEAMS)):
            progress(f"{captioner.name} writes captions", done, len(pictures))
            written.append(None if isinstance(caption, ImageError) else caption.text)
    return written


def _named(captions: Sequence[str | None], path: Path | None, labels: TagVocabulary) -> list[set[int]]:
    """Ids of the tags that each caption names; the shipped label system knows synonyms, too."""
    from ram.labels.label_system import shipped_system
    from ram.labels.parallel import parse_captions

    ids = shipped_system().ids if path is None else {tag.lower(): id_ for id_, tag in enumerate(labels.tags)}
    texts = [caption or "" for caption in captions]
    parsed = parse_captions(texts, [word for word in ids if " " in word])
    return [{ids[tag.name] for tag in tags if tag.name in ids} for tags in parsed]


def _added(new: dict[str, Any], old: dict[str, Any]) -> int:
    return len(set(new["union_label_id"])) - len(set(old["union_label_id"]))
