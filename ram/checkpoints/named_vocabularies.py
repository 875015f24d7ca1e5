"""Vocabularies by name: lists of tags that are fetched once, described by the lexicon, and embedded once."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ram.checkpoints.published import fetch_names
from ram.checkpoints.registry import VOCABULARIES
from ram.describers.fallback import describe_tags
from ram.describers.lexicon.describer import VERSION
from ram.describers.loading import load_describer
from ram.describers.template import TemplateDescriber
from ram.errors import DownloadError, InputError, PackError
from ram.models.text_encoder import FINGERPRINTS, TextEncoder
from ram.runtime import Progress, quiet
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import Origin, TagDescriptions
from ram.text.tag_packs import SUFFIX, load_pack, save_pack
from ram.text.vocabulary import TagVocabulary

_log = logging.getLogger(__name__)

OWN_TAGS = "or score tags of your own: `ram pack tags.txt -o own.tagpack`, then `ram tag --pack own.tagpack --only`"
"""Advice in messages for a person without a network."""


def named_bank(
    name: str,
    own: TagEmbeddingBank,
    text_encoder: Callable[[], TextEncoder],
    cache: Path,
    max_descriptions: int | None = None,
    progress: Progress = quiet,
) -> TagEmbeddingBank:
    """The bank of a vocabulary by name.

    A tag that the model has keeps the model's descriptions, threshold and kind, as a typed category does; the others
    are described by the lexicon and have the threshold of unseen tags. Of tags that the text encoder cannot tell
    apart, the first is in the bank.

    Args:
        name: one of `VOCABULARIES`.
        own: predefined tags of the model.
        text_encoder: makes the model's text encoder, where the tags have to be embedded.
        cache: folder of the fetched lists and of a tag pack with the embedded tags, which is made on first use.
        max_descriptions: of each tag; all of them where None.
        progress: called with the tags described and the sentences embedded.

    Raises:
        InputError: there is no such vocabulary.
        DownloadError: its lists are neither in ``cache`` nor can be fetched.
        TextEncoderError: the text encoder cannot be had, or the model reads no texts.
    """
    if name not in VOCABULARIES:
        raise InputError(f"there is no vocabulary {name!r}: choose {', '.join(VOCABULARIES)}, {OWN_TAGS}")
    try:
        tags, translations = fetch_names(VOCABULARIES[name], cache / "downloads", OWN_TAGS)
    except DownloadError as error:
        raise DownloadError(f"the vocabulary {name!r} is not here yet: {error}") from None
    vocabulary = replace(TagVocabulary.of(tags), translations=translations)
    known = _known(tags, own.vocabulary)
    bank = _named_like(own.select(list(known)), vocabulary.select(list(known.values())))
    described = set(known.values())
    if new := [tag for tag in tags if tag not in described]:
        whole = _embedded(name, vocabulary, own, text_encoder, cache / "vocabularies", progress)
        bank = bank.join(whole.select(new).first(max_descriptions))
    repeated = sorted({later for _, later in bank.equal_tags()})
    if repeated:
        _log.info("left out of %s, as the text encoder reads them as other tags: %s", name, ", ".join(repeated))
    return bank.select([tag for tag in tags if tag not in repeated])


def _known(tags: Sequence[str], own: TagVocabulary) -> dict[str, str]:
    """Tags of the model, each with the one tag that names it: exactly, or else in another spelling."""
    known = {tag: tag for tag in tags if tag in own}
    for tag in tags:
        if (mine := own.find(tag)) is not None:
            known.setdefault(mine, tag)
    return known


def _named_like(bank: TagEmbeddingBank, vocabulary: TagVocabulary) -> TagEmbeddingBank:
    """The bank with the names and translations of a vocabulary of the same tags."""
    sentences = dict(zip(vocabulary.tags, bank.sentences, strict=True))
    return replace(
        bank,
        vocabulary=replace(bank.vocabulary, tags=vocabulary.tags, translations=vocabulary.translations),
        descriptions=TagDescriptions(sentences, bank.descriptions.origin),
    )


def _embedded(
    name: str,
    vocabulary: TagVocabulary,
    own: TagEmbeddingBank,
    text_encoder: Callable[[], TextEncoder],
    folder: Path,
    progress: Progress,
) -> TagEmbeddingBank:
    """All tags as the lexicon describes them, from a pack in ``folder``, which is made where it is missing."""
    dim, fingerprint = own.embedded.embeddings.shape[2], FINGERPRINTS.get(own.text_encoder)
    key = (own.text_encoder, fingerprint, dim, vocabulary.tags, vocabulary.translations, VERSION)
    digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()
    file = folder / f"{name}-{digest[:16]}{SUFFIX}"
    if file.is_file():
        try:
            return load_pack(file, own.text_encoder, dim)
        except PackError as error:
            _log.warning("made again: %s", error)
    encoder = text_encoder()  # before minutes are spent
    descriptions = _described(vocabulary.tags, progress)
    bank = TagEmbeddingBank.build(descriptions, encoder, vocabulary, progress)
    folder.mkdir(parents=True, exist_ok=True)
    save_pack(file, bank, encoder)
    return bank


def _described(tags: Sequence[str], progress: Progress) -> TagDescriptions:
    """The sentences of the lexicon; the origin counts the tags with templates only, which may be too many to name."""
    describer = load_describer("lexicon", environ={})

    def counted() -> Iterator[str]:
        for done, tag in enumerate(tags):
            progress("describing tags", done, len(tags))
            yield tag

    descriptions, _ = describe_tags(describer, TemplateDescriber(), counted())
    unknown = sum(not describer.knows(tag) for tag in tags)
    note = f"{unknown} of {len(tags)} tags are not in the lexicon and have templates only" if unknown else ""
    return replace(descriptions, origin=Origin(describer.name, describer.fingerprint, note))
