"""Which tags a command scores: predefined ones, those of tag packs, and those that are typed."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ram.cli.listing import NAMED
from ram.cli.options import add_describer_options, describe_all
from ram.cli.terminal import printable, say
from ram.text.descriptions import parse_categories

if TYPE_CHECKING:
    from ram.tagger import Tagger
    from ram.text.bank import TagEmbeddingBank


def add_vocabulary_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tags", metavar="LIST", help='categories to score beside the predefined ones: "corgi, kite"')
    parser.add_argument(
        "--pack",
        action="append",
        default=[],
        metavar="FILE",
        help="a tag pack of `ram pack`, beside the predefined tags; repeat it for several. Of two tags of one name the "
        "one that comes later counts",
    )
    parser.add_argument(
        "--only", action="store_true", help="score what --tags and --pack name, in place of the predefined tags"
    )
    add_describer_options(parser)


def typed_tags(args: argparse.Namespace) -> tuple[str, ...]:
    """The categories of --tags.

    Raises:
        ValueError: one of them is none, or --only has nothing to go by.
    """
    if args.only and args.tags is None and not args.pack:
        raise ValueError("--only scores what is named and nothing is: give --tags or --pack as well")
    return parse_categories(args.tags) if args.tags is not None else ()


def scored_bank(
    tagger: Tagger, typed: Sequence[str], args: argparse.Namespace
) -> tuple[TagEmbeddingBank, tuple[str, ...]]:
    """The tags to score, and the names that typed categories have there.

    A typed category that the model or a pack knows keeps the descriptions and the threshold it has there.
    """
    bank = tagger.bank
    wanted: dict[str, str] = {}
    for path in args.pack:
        pack = tagger.load_pack(path)
        taken = {tag.casefold() for tag in bank.vocabulary.tags}
        _tell("scored as the pack has it", [tag for tag in pack.vocabulary.tags if tag.casefold() in taken])
        bank = bank.override(pack)
        wanted |= {tag.casefold(): tag for tag in pack.vocabulary.tags}
    known = {tag.casefold(): tag for tag in bank.vocabulary.tags}
    names = tuple(known.get(tag.casefold(), tag) for tag in typed)
    _tell("scored with the descriptions there are", [name for name in names if name in bank.vocabulary])
    if new := [name for name in names if name not in bank.vocabulary]:
        tagger.text_encoder  # noqa: B018  (a model that reads no texts refuses before anybody is asked to describe)
        bank = bank.join(tagger.embed(describe_all(args, new)))
    if args.only:
        bank = bank.select(tuple(dict.fromkeys([*wanted.values(), *names])))
    return bank, names


def _tell(how: str, tags: Sequence[str]) -> None:
    """A line on standard error about tags that were known before."""
    if tags:
        more = f" and {len(tags) - NAMED} more" if len(tags) > NAMED else ""
        say(printable(f"known already, {how}: {', '.join(tags[:NAMED])}{more}"))
