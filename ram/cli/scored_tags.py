"""The tags that a command scores: predefined, from tag packs, and typed."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ram.checkpoints.registry import VOCABULARIES
from ram.cli.listing import named_first
from ram.cli.options import add_describer_options, describe_all
from ram.cli.terminal import Progress, printable, say
from ram.errors import InputError
from ram.text.names import parse_categories

if TYPE_CHECKING:
    from ram.tagger import Tagger
    from ram.text.bank import TagEmbeddingBank


def add_vocabulary_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--vocabulary",
        choices=tuple(VOCABULARIES),
        help="score these tags in place of the predefined ones: official names the 4,585 tags of RAM and RAM++, with "
        "Chinese names; fetched, described by the lexicon and embedded on first use, which takes a minute or two",
    )
    parser.add_argument("--tags", metavar="LIST", help='further categories to score: "corgi, kite"')
    parser.add_argument(
        "--pack",
        action="append",
        default=[],
        metavar="FILE",
        help="a tag pack made by `ram pack`, added to the predefined tags; may be repeated. Where a name occurs twice, "
        "the later tag is used",
    )
    parser.add_argument("--only", action="store_true", help="score only the tags of --tags and --pack, no others")
    add_describer_options(parser)


def typed_tags(args: argparse.Namespace) -> tuple[str, ...]:
    """Return the categories of --tags.

    Raises:
        InputError: a category is invalid, or --only is given without --tags or --pack.
    """
    if args.only and args.tags is None and not args.pack:
        raise InputError("--only needs --tags or --pack: give the tags to score")
    return parse_categories(args.tags) if args.tags is not None else ()


def scored_bank(
    tagger: Tagger, typed: Sequence[str], args: argparse.Namespace
) -> tuple[TagEmbeddingBank, tuple[str, ...]]:
    """Return the bank to score, and the names of the typed categories in it.

    A typed category that the model or a pack contains keeps its descriptions and its threshold.
    """
    bank = tagger.bank if args.vocabulary is None else _named(tagger, typed, args.vocabulary)
    wanted: dict[str, str] = {}
    for path in args.pack:
        pack = tagger.load_pack(path)
        taken = {tag.casefold() for tag in bank.vocabulary.tags}
        _report_known("scored as in the pack", [tag for tag in pack.vocabulary.tags if tag.casefold() in taken])
        bank = bank.override(pack)
        wanted |= {tag.casefold(): tag for tag in pack.vocabulary.tags}
    names = tuple(dict.fromkeys(bank.vocabulary.find(tag) or tag for tag in typed))
    _report_known("scored with the existing descriptions", [name for name in names if name in bank.vocabulary])
    if new := [name for name in names if name not in bank.vocabulary]:
        tagger.text_encoder  # noqa: B018  (fails here, before any description is paid for, if the model reads no texts)
        bank = bank.join(tagger.embed(describe_all(args, new)))
    bank, names = _without_equal(bank, names, wanted.values())
    if args.only:
        bank = bank.select([tag for tag in dict.fromkeys([*wanted.values(), *names]) if tag in bank.vocabulary])
    return bank, names


def _named(tagger: Tagger, typed: Sequence[str], name: str) -> TagEmbeddingBank:
    """Return the bank of a vocabulary by name, and typed categories that it lacks but the model has."""
    with Progress() as progress:
        bank = tagger.load_vocabulary(name, progress)
    own = tagger.bank.vocabulary
    lacking = dict.fromkeys(own.find(tag) for tag in typed if bank.vocabulary.find(tag) is None)
    return bank.join(tagger.bank.select([tag for tag in lacking if tag is not None]))


def at_threshold(bank: TagEmbeddingBank, threshold: float | None) -> TagEmbeddingBank:
    """The bank with one threshold for all tags; as it is where None."""
    return bank if threshold is None else bank.with_thresholds((threshold,) * len(bank))


def _without_equal(
    bank: TagEmbeddingBank, typed: Sequence[str], packed: Iterable[str]
) -> tuple[TagEmbeddingBank, tuple[str, ...]]:
    """Leave out typed and packed tags that the model cannot tell from an earlier tag; typed ones become that tag."""
    added = {*typed, *packed}
    earlier = {later: first for first, later in bank.equal_tags() if later in added} if added else {}
    if not earlier:
        return bank, tuple(typed)
    named = [f'"{later}" as "{first}"' for later, first in earlier.items()]
    say(printable(f"the text encoder reads {named_first(named)}: only the latter is scored"))
    names = dict.fromkeys(earlier.get(name, name) for name in typed)
    return bank.select([tag for tag in bank.vocabulary.tags if tag not in earlier]), tuple(names)


def _report_known(how: str, tags: Sequence[str]) -> None:
    """Print a line on standard error about tags that were known before."""
    if tags:
        say(printable(f"already known, {how}: {named_first(tags)}"))
