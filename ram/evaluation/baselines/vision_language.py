"""A vision-language model behind an OpenAI-compatible endpoint, asked which tags a photo has."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import anyio
import numpy as np
from PIL import Image

from ram.describers.chat.endpoint import OPENAI_URL, ChatEndpoint
from ram.describers.usage import Usage, UsageCounter
from ram.errors import MissingKeyError
from ram.evaluation.metrics import Floats
from ram.text.files import package_file, read_json

MAX_TOKENS = 1024
LARGEST_SIDE = 1024
"""Pixels; larger photos are scaled down before they are sent."""


class VisionLanguageTagger:
    """Send a photo with the list of tags, and read which of them the answer names.

    The answer has no probabilities: a named tag has the score 1, any other one 0. Names that are not in the list are
    counted in :attr:`unlisted` and ignored.

    Args:
        endpoint: where the model is.
        tags: what it may answer.
        name: for tables; the model's name where empty.
    """

    probabilities = False

    def __init__(self, endpoint: ChatEndpoint, tags: Sequence[str], name: str = "") -> None:
        self.name = name or endpoint.model
        self.tags = tuple(tags)
        self.unlisted = 0
        self._endpoint, self._meter = endpoint, UsageCounter()
        self._columns = {tag.casefold(): column for column, tag in enumerate(self.tags)}
        prompts = read_json(package_file("evaluation/baselines/vision_prompts.json"))
        self._system = prompts["system"]
        self._question = prompts["question"].format(tags=", ".join(self.tags))

    @property
    def usage(self) -> Usage:
        """Requests and tokens spent so far."""
        return self._meter.usage

    def score(self, picture: Image.Image) -> Floats:
        """Return (tags,) zeros and ones.

        Raises:
            DescriberError: the endpoint cannot be reached, refuses, or fails.
        """
        (answer, *_) = anyio.run(partial(self._ask, picture))
        scores = np.zeros(len(self.tags))
        for named in named_tags(answer or ""):
            column = self._columns.get(named.casefold())
            if column is None:
                self.unlisted += 1
            else:
                scores[column] = 1.0
        return scores

    async def _ask(self, picture: Image.Image) -> list[str | None]:
        content = [
            {"type": "image_url", "image_url": {"url": data_url(picture)}},
            {"type": "text", "text": self._question},
        ]
        options: dict[str, Any] = {
            "model": self._endpoint.model,
            "messages": [{"role": "system", "content": self._system}, {"role": "user", "content": content}],
            "max_tokens": MAX_TOKENS,
            "temperature": 0.0,
            "n": 1,
        }
        async with self._endpoint.client() as client:
            return await self._endpoint.reply(client, options, self._meter, anyio.CapacityLimiter(1))


def named_tags(answer: str) -> tuple[str, ...]:
    """Read the tags of an answer: a JSON list anywhere in it, else parts between commas and line ends.

    Each is returned once, in order.
    """
    for listed in re.findall(r"\[.*?\]", answer, re.DOTALL):
        try:
            parts = json.loads(listed)
        except ValueError:
            continue
        if all(isinstance(part, str) for part in parts):
            return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))
    parts = [re.sub(r"^\s*(?:[-*•]|\d+[.)])\s*", "", part).strip(" \t.\"'`*") for part in re.split(r"[,\n;]", answer)]
    return tuple(dict.fromkeys(part for part in parts if part))


def data_url(picture: Image.Image) -> str:
    """Encode a photo as a JPEG data URL, at most :data:`LARGEST_SIDE` pixels wide and high."""
    small = picture.copy()
    small.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    file = io.BytesIO()
    small.save(file, "JPEG", quality=90)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def endpoint_from_environ(environ: Mapping[str, str], model: str | None = None, timeout: float = 60.0) -> ChatEndpoint:
    """Read OPENAI_API_KEY, OPENAI_BASE_URL and, unless a model is given, OPENAI_MODEL.

    Raises:
        MissingKeyError: neither key nor URL is set, or no model is named.
        InputError: the URL or the key cannot be used.
    """
    key, url = (environ.get(name, "").strip() for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"))
    model = model or environ.get("OPENAI_MODEL", "").strip()
    if not key and not url:
        raise MissingKeyError(
            "a vision-language model needs an endpoint: set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of yours"
        )
    if not model:
        raise MissingKeyError("name the vision-language model: set OPENAI_MODEL, or give --weights MODEL")
    return ChatEndpoint(key or "none", model, url or OPENAI_URL, timeout, retries=2)
