"""HTML of a photo's caption and the tags that guide it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from hashlib import blake2s

from demo.core.captioning_photos import CaptionedPhoto
from demo.views.render import render


@dataclass(frozen=True)
class Run:
    """Words of a caption that the other caption has too, or has not."""

    text: str
    new: bool


def caption(captioned: CaptionedPhoto, model: str, tagger: str) -> str:
    """The caption, its tags, and where tags were changed both captions with the differing words marked.

    Args:
        captioned: the photo.
        model: that wrote the caption.
        tagger: model that doubts some of its words.
    """
    steered = captioned.steered
    return render(
        "photo_caption",
        "caption",
        model=model,
        tagger=tagger,
        doubtful=captioned.doubtful,
        own=captioned.own.text,
        fits=captioned.fits,
        ranked=[(one.caption.text, one.score.probability, one.caption.given) for one in captioned.ranked],
        steered=steered and list(marked(steered.text, captioned.own.text)),
        given=captioned.given,
        seen=[(tag, tag in captioned.without) for tag in captioned.own.seen],
        photo=blake2s(captioned.source.encode(), digest_size=8).hexdigest(),  # a path is not shown
    )


def waiting() -> str:
    """Render the line that is shown while a caption is written."""
    return render("photo_caption", "waiting")


def marked(text: str, other: str) -> Iterator[Run]:
    """Cut a caption into runs of words that another one has in the same place, and of new ones."""
    words, others = re.findall(r"\S+", text), re.findall(r"\S+", other)
    for operation, _, _, start, end in SequenceMatcher(None, others, words, autojunk=False).get_opcodes():
        if start < end:
            yield Run(" ".join(words[start:end]), operation != "equal")
