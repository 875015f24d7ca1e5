"""Add an uploaded tag pack, an untrusted file, to the typed categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from demo.core.categories import MAX_SENTENCES, Categories
from demo.core.photos import Photo
from demo.core.texts import say
from demo.core.workbench import Workbench
from ram.backends import TaggerBackend
from ram.describers.fallback import DescribedSentence, Notice
from ram.text.bank import TagEmbeddingBank
from ram.text.names import MAX_CATEGORIES
from ram.text.tag_packs import UPLOADS, load_pack


def add_pack(bench: Workbench, path: Path, photo: Photo | None, typed: Categories | None) -> Categories:
    """Typed categories followed by the tags of a pack; where a category is in both, the pack's replaces it.

    At most `MAX_CATEGORIES` tags of the pack are shown: the most probable in the photo, or the first without a photo.
    Categories whose description is not complete are removed, because nothing would complete it.

    Raises:
        PackError: the file is not a usable pack for the main model's text encoder.
        TextEncoderError: a model with another text encoder cannot embed the sentences.
    """
    main, typed = bench.taggers[0], typed or Categories(())
    pack = load_pack(path, main.config.text_encoder, main.config.dim, UPLOADS).first(MAX_SENTENCES)
    notices: tuple[Notice, ...] = ()
    if len(pack) > MAX_CATEGORIES:
        key = "from_pack_first" if photo is None else "from_pack_probable"
        notices = (Notice(say(key, name=path.name, count=len(pack), most=MAX_CATEGORIES).english),)
        pack = pack.select(_most_probable(main, photo, pack))
    replaced = {tag.casefold() for tag in pack.vocabulary.tags}
    for tag in typed.names:
        if tag.casefold() in replaced or tag not in typed.finished:
            typed = typed.remove(tag)
    return bench.embed(_join(typed, pack, path.name, notices))


def _most_probable(main: TaggerBackend, photo: Photo | None, pack: TagEmbeddingBank) -> Sequence[str]:
    if photo is None:
        return pack.vocabulary.tags[:MAX_CATEGORIES]
    prediction = main.score(photo.features[main.name].to(main.device), pack.first(main.config.max_descriptions))
    return [score.tag for score in prediction.top(MAX_CATEGORIES)]


def _join(typed: Categories, pack: TagEmbeddingBank, name: str, notices: tuple[Notice, ...]) -> Categories:
    tags, encoder = pack.vocabulary.tags, pack.text_encoder
    sentences = {tag: tuple(DescribedSentence(one, name) for one in texts) for tag, texts in pack.descriptions.items()}
    embeddings = pack.embedded.embeddings[pack.mask].float()
    vectors = dict(zip((text for texts in pack.sentences for text in texts), embeddings, strict=True))
    return replace(
        typed,
        names=(*typed.names, *tags),
        sentences={**typed.sentences, **sentences},
        notices=notices,
        finished=typed.finished.union(tags),
        vectors={**typed.vectors, encoder: {**typed.vectors.get(encoder, {}), **vectors}},
        thresholds={**typed.thresholds, **dict(zip(tags, pack.vocabulary.thresholds, strict=True))},
    )
