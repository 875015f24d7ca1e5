"""``ram pack``: describe and embed a vocabulary once, and store it in one file."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ram.cli.convert import read_numbers
from ram.cli.listing import add_skip_option, describe_list, reporter
from ram.cli.options import (
    add_describer_options,
    add_device_options,
    add_json_option,
    add_model_option,
    check_writable,
    open_tagger,
)
from ram.cli.terminal import Progress, print_json, printable, say
from ram.errors import InputError
from ram.text.descriptions import TagDescriptions
from ram.text.tag_lists import read_tag_list, read_vocabulary
from ram.text.vocabulary import UNSEEN_THRESHOLD, TagVocabulary

if TYPE_CHECKING:
    from ram.tagger import Tagger
    from ram.text.bank import TagEmbeddingBank


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "pack",
        help="store a vocabulary of your own in one file",
        description="Describe and embed tags once, and write them with their thresholds into a tag pack, one file that "
        "`ram tag --pack` and the page take, with every model of the same text encoder. A tag that the model knows "
        "keeps its threshold there, unless the source or --thresholds gives another; other tags get "
        f"{UNSEEN_THRESHOLD}.",
        epilog="example: ram pack tags.txt --describer openai -o pets.tagpack",
    )
    parser.add_argument(
        "source",
        type=Path,
        metavar="SOURCE",
        help="tags.txt (one tag per line), vocabulary.csv (tag, threshold, kind, translations) or selected_tags.csv "
        "of a WD tagger, which are described; "
        "descriptions.json in the official form; or a model folder, whose predefined tags are packed as they are",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.tagpack", help="the pack to write")
    add_model_option(parser)
    add_describer_options(parser)
    parser.add_argument("--thresholds", type=Path, metavar="TXT", help="one threshold per line, in tag order")
    add_skip_option(parser)
    add_json_option(parser)
    add_device_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ram.text.tag_packs import SUFFIX, check_names

    check_writable(args.output, (SUFFIX,))
    is_model = args.source.is_dir()
    tagger = open_tagger(args, str(args.source) if is_model else args.model)
    vocabulary, descriptions = (tagger.bank.vocabulary, None) if is_model else _read(args, tagger)
    if args.thresholds is not None:
        vocabulary = vocabulary.with_thresholds(read_numbers(args.thresholds))
    check_names(vocabulary.tags)
    tagger.text_encoder  # noqa: B018  (a missing text encoder is reported before any description is paid for)
    if is_model:
        bank = tagger.bank.with_thresholds(vocabulary.thresholds)
    else:
        bank = _embed(tagger, vocabulary, descriptions or describe_list(args, vocabulary.tags))
    tagger.save_pack(args.output, bank)
    sentences = sum(map(len, bank.sentences))
    if args.json:
        size = args.output.stat().st_size
        print_json({"file": str(args.output), "tags": len(bank), "descriptions": sentences, "bytes": size})
    else:
        say(f"{len(bank)} tags with {sentences} descriptions are in {printable(str(args.output))}")
    return 0


def _read(args: argparse.Namespace, tagger: Tagger) -> tuple[TagVocabulary, TagDescriptions | None]:
    """Read the tags of a file with their thresholds, and their descriptions where the file has them."""
    source, skip = args.source, reporter(args)
    suffix = source.suffix.lower()
    if suffix == ".csv":
        return read_vocabulary(source, skip), None
    if suffix == ".txt":
        return _known(read_tag_list(source, skip), tagger), None
    if suffix == ".json":
        descriptions = TagDescriptions.load(source)
        return _known(descriptions.tags, tagger), descriptions
    raise InputError(f"{source.name!r} cannot be packed: give a .txt, .csv or .json file or a model folder")


def _known(tags: Sequence[str], tagger: Tagger) -> TagVocabulary:
    """Return the tags with the thresholds of the model; unknown tags get that of unseen tags."""
    own = tagger.bank.vocabulary
    known = {tag.casefold(): threshold for tag, threshold in zip(own.tags, own.thresholds, strict=True)}
    return TagVocabulary(tuple(tags), tuple(known.get(tag.casefold(), UNSEEN_THRESHOLD) for tag in tags))


def _embed(tagger: Tagger, vocabulary: TagVocabulary, descriptions: TagDescriptions) -> TagEmbeddingBank:
    from ram.text.bank import TagEmbeddingBank

    with Progress() as progress:
        return TagEmbeddingBank.build(descriptions, tagger.text_encoder, vocabulary, progress).refuse_equal()
