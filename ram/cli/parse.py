"""``ram parse``: turn captions into image-tag-text triplets for ``ram train``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from ram.cli.options import add_processes_option, add_split_option, check_writable, read_texts
from ram.cli.terminal import Progress, printable
from ram.labels.captions import Texts, select_split
from ram.labels.label_system import LabelSystem, shipped_system
from ram.text.files import read_lines, write_json
from ram.text.vocabulary import TagVocabulary


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "parse",
        help="extract tags from captions",
        description="Extract the tags of a label system from captions, and write image-tag-text triplets. Pictures "
        "with labels instead of captions are read in the same way, each label as a short text.",
        epilog="example: ram parse captions.json --split splits.json train --output train.json",
    )
    parser.add_argument(
        "captions",
        type=Path,
        metavar="CAPTIONS",
        help='a list [{"image": "1.jpg", "captions": ["...", ...]}, ...], or with "tags" in place of "captions"; one '
        "such object per line (.jsonl); COCO captions; a table with the columns image and caption; or a folder of "
        "pictures with a .txt beside each",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the triplets to write, .json")
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="FILE|FOLDER",
        help="label system: a folder of `ram labels`, one tag per line, or the vocabulary.csv of a model (default: the "
        "shipped one, with its synonyms)",
    )
    add_split_option(parser)
    add_processes_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    check_writable(args.output, (".json",))
    captions = read_texts(args.captions)
    if args.split is not None:
        captions = select_split(captions, Path(args.split[0]), args.split[1])
    labels = _labels(args.labels)
    triplets = list(_triplets(captions, labels.ids, args.processes))
    write_json(args.output, triplets)
    used = {label for triplet in triplets for label in triplet["union_label_id"]}
    mean = sum(len(triplet["union_label_id"]) for triplet in triplets) / len(triplets)
    print(
        f"{len(triplets)} pictures with {mean:.1f} tags on average, {len(used)} of {len(labels)} tags in use: "
        f"{printable(str(args.output))}"
    )
    return 0


def _triplets(captions: Mapping[str, Texts], labels: Mapping[str, int], processes: int) -> Iterator[dict[str, Any]]:
    """Yield triplets in the official form: tag ids of each caption, and of all captions together."""
    from ram.labels.parallel import parse_captions

    sentences = [sentence for texts in captions.values() for sentence in texts.sentences]
    parsed = parse_captions(sentences, [word for word in labels if " " in word], processes)
    with Progress() as progress:
        progress("loading the parser", 0, 1)
        for done, (image, texts) in enumerate(captions.items()):
            found = list(islice(parsed, len(texts.sentences)))
            progress("reading captions", done, len(captions))
            ids = [
                sorted({labels[word] for word in (sentence.lower(), *(tag.name for tag in tags)) if word in labels})
                for sentence, tags in zip(texts.sentences, found, strict=True)
            ]
            yield {
                "image_path": image,
                "caption": list(texts.sentences) if texts.captions else [],
                "union_label_id": sorted({label for each in ids for label in each}),
                "parse_label_id": ids if texts.captions else [],
            }


def _labels(path: Path | None) -> LabelSystem:
    if path is None:
        return shipped_system()
    if path.is_dir():
        return LabelSystem.load(path)
    is_vocabulary = path.suffix.lower() == ".csv"
    return LabelSystem(TagVocabulary.load(path) if is_vocabulary else TagVocabulary.of(read_lines(path)))
