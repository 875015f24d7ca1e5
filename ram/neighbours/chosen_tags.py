"""A bank of the names that another program gives: predefined tags where they are, typed categories otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ram.describers.by_name import describe_names
from ram.errors import InputError
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import TagDescriptions


def bank_of(tagger: Tagger, names: Sequence[str]) -> TagEmbeddingBank:
    """A bank with these names as they are written, in their order.

    Args:
        tagger: whose predefined tags keep their descriptions and thresholds, whatever their case ("Dog" is "dog").
        names: of the classes; the lexicon describes those that are no predefined tags.

    Raises:
        InputError: there is no name, one is unusable, or two mean the same tag.
        TextEncoderError: the text encoder cannot be had.
    """
    if not names:
        raise InputError("no label was given: name one or more")
    known = [tagger.bank.vocabulary.find(name) for name in names]
    new = [name for name, tag in zip(names, known, strict=True) if tag is None]
    described = describe_names(new) if new else {}
    if len(described) < len(new):
        raise InputError("two labels mean the same: " + ", ".join(new)[:200])
    meant = iter(described)
    tags = [next(meant) if tag is None else tag for tag in known]
    twice = [name for i, name in enumerate(names) if tags[i] in tags[:i]]
    if twice:
        raise InputError(f"{twice[0]!r} and another label mean the same tag: leave one out")
    bank = tagger.bank.select([tag for tag in known if tag is not None])
    if described:
        embedded = tagger.embed(described)
        bank = bank.join(embedded) if len(bank) else embedded
    bank = bank.select(tags)
    sentences = dict(zip(names, bank.sentences, strict=True))
    return replace(
        bank,
        vocabulary=replace(bank.vocabulary, tags=tuple(names)),
        descriptions=TagDescriptions(sentences, bank.descriptions.origin),
    )
