"""``ram boxes``: tag pictures and draw a box around what each tag is about; COCO and YOLO files."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ram.cli.options import (
    add_device_options,
    add_image_limit_option,
    add_json_option,
    add_model_option,
    check_writable,
    fraction,
    image_limits,
    open_tagger,
    positive,
)
from ram.cli.picture_run import add_pictures_argument
from ram.cli.scored_tags import add_vocabulary_options, scored_bank, typed_tags
from ram.cli.terminal import Progress, printable, say
from ram.errors import ImageError, InputError

if TYPE_CHECKING:
    from ram.regions.region import Region
    from ram.tagger import Tagger
    from ram.text.bank import TagEmbeddingBank


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "boxes",
        help="tag pictures with boxes",
        description="Tag pictures and draw one box for each tag, from the model's own evidence: rough, but without "
        "another model. --detector hands the tags to a detector instead, such as Grounding-DINO, and --segmenter "
        "shrinks each box to the object that SAM finds in it.",
        epilog='examples: ram boxes photos/ --tags "corgi, kite" --only --output boxes.json; '
        "ram boxes photos/ --detector IDEA-Research/grounding-dino-tiny --yolo dataset",
    )
    add_pictures_argument(parser)
    add_model_option(parser)
    add_vocabulary_options(parser)
    parser.add_argument("--threshold", type=fraction, metavar="T", help="box the tags over T, not over their own")
    parser.add_argument("--top", type=positive, default=8, metavar="K", help="tags of a picture at most (%(default)s)")
    parser.add_argument("--detector", metavar="NAME", help="a zero-shot detector of transformers: repository or folder")
    parser.add_argument("--sure", type=fraction, default=0.25, metavar="T", help="its confidence (%(default)s)")
    parser.add_argument("--segmenter", metavar="NAME", help="a SAM of transformers: repository or folder")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write one COCO document (.json)")
    parser.add_argument("--yolo", type=Path, metavar="FOLDER", help="write a data set of YOLO, with copies of pictures")
    add_json_option(parser)
    add_image_limit_option(parser)
    add_device_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ram.images.folders import find_images
    from ram.images.opening import open_image
    from ram.regions.region_files import CocoBoxes, YoloDataset

    typed = typed_tags(args)
    if args.output is not None:
        check_writable(args.output, (".json",))
    if args.yolo is not None and args.yolo.exists() and (not args.yolo.is_dir() or any(args.yolo.iterdir())):
        raise InputError(f"{args.yolo} is there already: name a new folder for --yolo")
    pictures = find_images(args.pictures)
    tagger = open_tagger(args, args.model)
    bank, _ = scored_bank(tagger, typed, args)
    find = _finder(tagger, bank, args)
    files: list[CocoBoxes | YoloDataset] = []
    if args.output is not None:
        files.append(CocoBoxes(args.output, bank.vocabulary.tags, tagger.name))
    if args.yolo is not None:
        files.append(YoloDataset(args.yolo, bank.vocabulary.tags if args.only else ()))
    faults, documents = 0, []
    with Progress(shown=bool(files)) as progress:
        for done, picture in enumerate(pictures):
            progress("boxing", done, len(pictures))
            try:
                image = open_image(picture, image_limits(args))
                regions = find(image)
            except ImageError as error:
                faults += 1
                say(printable(str(error)))
                continue
            for file in files:
                file.add(picture, image.size, regions)
            if args.json:
                documents.append({"image": str(picture), "regions": [vars(region) for region in regions]})
            elif not files:
                print(_lines(picture, regions))
    if faults < len(pictures):  # else the file of an earlier run stays
        for file in files:
            file.finish()
    if args.json:
        print(json.dumps(documents))
    if faults:
        say(f"{faults} of {len(pictures)} pictures could not be used")
    return 2 if faults else 0


def _finder(tagger: Tagger, bank: TagEmbeddingBank, args: argparse.Namespace) -> Callable[..., list[Region]]:
    """A function from an opened image to its regions."""
    from ram.regions.finding import find_regions
    from ram.regions.grounding import GroundingDetector, Segmenter, shrunk

    segmenter = Segmenter.load(args.segmenter, tagger.device) if args.segmenter else None
    detector = GroundingDetector.load(args.detector, tagger.device, args.sure) if args.detector else None

    def find(image: object) -> list[Region]:
        if detector is None:
            regions = find_regions(tagger, image, bank, args.threshold, args.top)  # type: ignore[arg-type]
        else:
            scores = tagger.score(tagger.look(image), bank).above(args.threshold)[: args.top]  # type: ignore[arg-type]
            regions = detector.find(image, [score.tag for score in scores])  # type: ignore[arg-type]
        return regions if segmenter is None else shrunk(segmenter, image, regions)  # type: ignore[arg-type]

    return find


def _lines(picture: Path, regions: Sequence[Region]) -> str:
    rows = [printable(str(picture))]
    for region in regions:
        box = "  ".join(f"{side:.2f}" for side in region.box)
        rows.append(f"  {printable(region.tag):24} {region.probability:.2f}   {box}")
    return "\n".join(rows)
