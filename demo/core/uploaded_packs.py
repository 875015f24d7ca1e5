"""A visitor's tag pack: an uploaded file that nobody trusts, opened as categories beside those that were typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from demo.core.actions import Workbench
from demo.core.categories import MOST_SENTENCES, Categories
from demo.core.photos import Photo
from ram.describers.fallback import DescribedSentence, Notice
from ram.errors import InputError, PackError
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import MOST_CATEGORIES
from ram.text.tag_packs import UPLOADS, load_pack


def open_pack(bench: Workbench, path: Path, photo: Photo | None, typed: Categories | None) -> Categories:
    """What was typed, followed by the tags of a pack; a category that is in both is the pack's.

    What is not described to the end gives way: nobody goes on describing it.

    A page has room for `MOST_CATEGORIES` of a pack: the main model's likeliest in the photo, or the first without one.

    Raises:
        InputError: the file is no usable pack of the main model's text encoder; the message says why.
        TextEncoderError: a model with another text encoder cannot embed the sentences.
    """
    main, typed = bench.taggers[0], typed or Categories(())
    try:
        pack = load_pack(path, main.config.text_encoder, main.config.dim, UPLOADS).first(MOST_SENTENCES)
    except PackError as error:
        raise InputError(str(error)) from None
    noted: tuple[Notice, ...] = ()
    if len(pack) > MOST_CATEGORIES:
        where = "the first" if photo is None else "those that are likeliest in this photo"
        noted = (Notice(f"{path.name} has {len(pack)} tags: shown are {MOST_CATEGORIES}, {where}."),)
        pack = pack.select(_likeliest(main, photo, pack))
    theirs = {tag.casefold() for tag in pack.vocabulary.tags}
    for tag in typed.names:
        if tag.casefold() in theirs or tag not in typed.finished:
            typed = replace(typed.forget(tag), names=tuple(name for name in typed.names if name != tag))
    return bench.embed(_join(typed, pack, path.name, noted))


def _likeliest(main: Tagger, photo: Photo | None, pack: TagEmbeddingBank) -> Sequence[str]:
    if photo is None:
        return pack.vocabulary.tags[:MOST_CATEGORIES]
    prediction = main.score(photo.features[main.name].to(main.device), pack.first(main.config.max_descriptions))
    return [score.tag for score in prediction.top(MOST_CATEGORIES)]


def _join(typed: Categories, pack: TagEmbeddingBank, name: str, noted: tuple[Notice, ...]) -> Categories:
    tags, encoder = pack.vocabulary.tags, pack.text_encoder
    told = {tag: tuple(DescribedSentence(text, name) for text in texts) for tag, texts in pack.descriptions.items()}
    flat = pack.embedded.embeddings[pack.mask].float()
    known = dict(zip((text for texts in pack.sentences for text in texts), flat, strict=True))
    return replace(
        typed,
        names=(*typed.names, *tags),
        sentences={**typed.sentences, **told},
        noted=noted,
        finished=typed.finished.union(tags),
        vectors={**typed.vectors, encoder: {**typed.vectors.get(encoder, {}), **known}},
        thresholds={**typed.thresholds, **dict(zip(tags, pack.vocabulary.thresholds, strict=True))},
    )
