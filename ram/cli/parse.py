"""``ram parse``: captions to image-tag-text triplets, what ``ram train`` learns from."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from ram.cli.convert import read_lines
from ram.cli.options import check_writable
from ram.cli.terminal import Progress, printable
from ram.vocabulary import TagVocabulary


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "parse",
        help="read tags out of captions",
        description="Read the tags of a label system out of captions, and write image-tag-text triplets. Pictures that "
        "have labels instead of captions are read the same way, each label as words of its own.",
        epilog="example: ram parse captions.json --split splits.json train --output train.json",
    )
    parser.add_argument(
        "captions",
        type=Path,
        metavar="CAPTIONS.json",
        help='a list [{"image": "1.jpg", "captions": ["...", ...]}, ...], or with "tags" in place of "captions"',
    )
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FILE", help="the triplets to write, .json"
    )
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="FILE",
        help="the label system: a tag a line, or the vocabulary.csv of a model (the one that ships, with its "
        "synonyms)",
    )
    parser.add_argument(
        "--split",
        nargs=2,
        metavar=("FILE", "NAME"),
        help='only the pictures listed under a name in JSON {"train": ["1.jpg", ...], ...}',
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    check_writable(args.output, (".json",))
    captions = _captions(args.captions)
    if args.split is not None:
        captions = _only(captions, Path(args.split[0]), args.split[1])
    labels, tags = _labels(args.labels)
    triplets = list(_triplets(captions, labels))
    args.output.write_text(json.dumps(triplets) + "\n", encoding="utf-8")
    used = {label for triplet in triplets for label in triplet["union_label_id"]}
    mean = sum(len(triplet["union_label_id"]) for triplet in triplets) / len(triplets)
    print(
        f"{len(triplets)} pictures with {mean:.1f} tags each on average, {len(used)} of {tags} tags in use: "
        f"{printable(str(args.output))}"
    )
    return 0


def _triplets(
    captions: Mapping[str, Texts], labels: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    """Triplets in the official form: ids of the tags of each caption, and of all captions together."""
    from ram.labels.parsing import CaptionParser, load_pipeline

    with Progress() as progress:
        progress("loading the parser", 0, 1)
        parser = CaptionParser(load_pipeline(), phrases=[word for word in labels if " " in word])
        parsed = parser.parse(sentence for texts in captions.values() for sentence in texts.sentences)
        for done, (image, texts) in enumerate(captions.items()):
            progress("reading captions", done, len(captions))
            found = islice(parsed, len(texts.sentences))
            ids = [
                sorted({labels[word] for word in (sentence.lower(), *words) if word in labels})
                for sentence, words in zip(texts.sentences, found, strict=True)
            ]
            yield {
                "image_path": image,
                "caption": list(texts.sentences) if texts.captions else [],
                "union_label_id": sorted({label for each in ids for label in each}),
                "parse_label_id": ids if texts.captions else [],
            }


def _labels(path: Path | None) -> tuple[dict[str, int], int]:
    """Word to id of its tag, and the number of tags."""
    synonyms: dict[str, str] = {}
    if path is None:
        from ram.labels.system import shipped_synonyms, shipped_vocabulary

        vocabulary, synonyms = shipped_vocabulary(), shipped_synonyms()
    elif path.suffix.lower() == ".csv":
        vocabulary = TagVocabulary.load(path)
    else:
        vocabulary = TagVocabulary.of(read_lines(path))
    labels = {word.lower(): vocabulary.id(tag) for word, tag in synonyms.items()}
    labels |= {tag.lower(): number for number, tag in enumerate(vocabulary.tags)}
    return labels, len(vocabulary)


class Texts(NamedTuple):
    """What is written of a picture, and whether it is captions rather than labels."""

    sentences: Sequence[str]
    captions: bool


def _captions(path: Path) -> dict[str, Texts]:
    """Picture to captions or labels."""
    entries = _json(path)
    if not isinstance(entries, list) or not entries:
        raise ValueError(f'{path.name} must be a list [{{"image": "1.jpg", "captions": ["...", ...]}}, ...]')
    captions: dict[str, Texts] = {}
    for number, entry in enumerate(entries, 1):
        fields = entry if isinstance(entry, dict) else {}
        captioned = "captions" in fields
        image, sentences = fields.get("image"), fields.get("captions" if captioned else "tags")
        if not isinstance(image, str) or not isinstance(sentences, list) or not _are_texts(sentences):
            raise ValueError(f'entry {number} of {path.name} is not {{"image": "1.jpg", "captions": [...]}}')
        if image in captions:
            raise ValueError(f"{path.name} holds {image} twice: keep one entry a picture")
        captions[image] = Texts(sentences, captioned)
    return captions


def _only(captions: Mapping[str, Texts], path: Path, name: str) -> dict[str, Texts]:
    splits = _json(path)
    if not isinstance(splits, dict) or not _are_texts(splits.get(name)) or not splits[name]:
        names = ", ".join(splits) if isinstance(splits, dict) else "none"
        raise ValueError(f"{path.name} lists no pictures under {name!r}: it has {names}")
    if missing := [image for image in splits[name] if image not in captions]:
        raise ValueError(f"{len(missing)} pictures of {name!r} have no captions, such as {missing[0]}")
    return {image: captions[image] for image in splits[name]}


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise ValueError(f"{path.name} is not JSON: {error}") from None


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
