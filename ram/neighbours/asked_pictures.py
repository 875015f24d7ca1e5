"""The image, and the form of the answer, of a request to a language model."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ram.errors import InputError
from ram.images.opening import open_image
from ram.images.size_limits import UPLOADS
from ram.neighbours.filled_schema import Answer
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank

NO_IMAGE = "this model answers about one image: send it in base64, as {0}"
_DATA = re.compile(r"data:[\w/+.-]*;base64,", re.ASCII)
_CAPTION = re.compile(r"\b(caption|sentence|describe|description)\b", re.IGNORECASE)
_TAGS = re.compile(r"\b(tag|tags|label|labels|keyword|keywords)\b", re.IGNORECASE)
_JSON = re.compile(r"\bjson\b", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Labeller:
    """Answer requests about images with tags.

    Args:
        tagger: opens and looks at images.
        bank: the tags to give.
        threshold: probability over which they are given; the tags' own where None.
        most: how many of them at most.
    """

    tagger: Tagger
    bank: TagEmbeddingBank
    threshold: float | None = None
    most: int = 50

    def answer(self, image: bytes, prompt: str, form: Any = None) -> str:
        """The text that a language model would have answered.

        Args:
            image: the bytes of a file.
            prompt: where it asks for a caption and not for tags, and the model has a captioner, that is the answer.
            form: a JSON schema, or "json"; a prompt that asks for JSON has the same effect. Plain text where None.

        Raises:
            ImageError: the image cannot be opened or is larger than an upload may be.
        """
        features = self.tagger.look(open_image(image, UPLOADS))
        scores = self.tagger.score(features, self.bank).above(self.threshold)[: self.most]
        captioned = self.tagger.has_captioner and _CAPTION.search(prompt) and not _TAGS.search(prompt)
        answer = Answer(scores, self.tagger.caption_features([features])[0].text if captioned else None)
        if isinstance(form, Mapping):
            return json.dumps(answer.fill(form))
        if answer.caption is None and (form == "json" or (form is None and _JSON.search(prompt))):
            return json.dumps(answer.labels())
        return answer.text


def decoded(images: Any, where: str) -> bytes:
    """The bytes of the one image of a request.

    Args:
        images: texts in base64, with or without the head of a data address.
        where: how such a request sends an image, for the message.

    Raises:
        InputError: there is none, more than one, an address, or something else.
    """
    if not isinstance(images, Sequence) or isinstance(images, str) or not images:
        raise InputError(NO_IMAGE.format(where))
    if len(images) > 1:
        raise InputError(f"this model answers about one image, not {len(images)}: send each in a request of its own")
    text = images[0]
    if not isinstance(text, str) or text.startswith(("http:", "https:", "file:")):
        raise InputError(f"no address is fetched here: send the image in base64, as {where}")
    try:
        return base64.b64decode(_DATA.sub("", text[:100]) + text[100:], validate=True)
    except (binascii.Error, ValueError):
        raise InputError("the image is no base64 text: encode the bytes of the file") from None
