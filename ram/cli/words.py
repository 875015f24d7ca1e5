"""``ram words``: write the vocabulary of a small captioner."""

from __future__ import annotations

import argparse
from pathlib import Path

from ram.cli.options import check_writable
from ram.cli.terminal import printable
from ram.errors import InputError

LEAST = 3


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "words",
        help="write the word pieces of a small captioner",
        description="Write the WordPiece vocabulary of a small captioner, one piece per line: BERT's pieces that the "
        "captions use, all pieces of the tags, and single characters for rare words. A recipe names the file: "
        'words = "captioner_vocabulary.txt".',
        epilog="example: ram words train.json --labels vocabulary.csv --output captioner_vocabulary.txt",
    )
    parser.add_argument(
        "triplets", type=Path, nargs="+", metavar="TRIPLETS.json", help="triplets, as `ram parse` writes them"
    )
    parser.add_argument(
        "--labels", type=Path, metavar="FILE", help="the tags, a vocabulary.csv (default: the shipped label system)"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the vocabulary to write, .txt")
    parser.add_argument(
        "--least", type=int, default=LEAST, metavar="N", help="times that a piece occurs in the captions (%(default)s)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ram.labels.label_system import shipped_vocabulary
    from ram.text.small_wordpiece import small_wordpiece
    from ram.text.vocabulary import TagVocabulary
    from ram.text.wordpiece import official_wordpiece
    from ram.training.data.triplets import read_triplets

    check_writable(args.output, (".txt",))
    if args.least < 1:
        raise InputError(f"--least is {args.least}: it must be at least 1")
    vocabulary = shipped_vocabulary() if args.labels is None else TagVocabulary.load(args.labels)
    sources = [read_triplets(file, Path(), tags=len(vocabulary)) for file in args.triplets]
    captions = [text for source in sources for texts in source.captions for text in texts]
    if not captions:
        raise InputError(f"{args.triplets[0].name} holds no caption: give triplets that `ram parse` made of captions")
    words = small_wordpiece(official_wordpiece(), captions, vocabulary.tags, args.least)
    words.save(args.output)
    print(f"{len(words)} pieces of {len(captions)} captions and {len(vocabulary)} tags: {printable(str(args.output))}")
    return 0
