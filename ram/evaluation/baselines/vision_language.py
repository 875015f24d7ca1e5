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
from ram.describers.chat.failures import reason
from ram.describers.chat.replies import drop_rejected_option
from ram.describers.usage import Usage
from ram.errors import DescriberError, MissingKeyError
from ram.evaluation.metrics import Floats
from ram.text.files import package_file, read_json

MAX_TOKENS = 1024
LARGEST_SIDE = 1024
"""Pixels; larger photos are scaled down before they are sent."""


class VisionLanguageTagger:
    """Send a photo with the list of tags, and read which of them the answer names.

    The answer has no probabilities: a named tag has the score 1, any other one 0.

    Attributes:
        usage: requests and tokens spent so far, as the server reports them.
        unlisted: answered names that are not in the list, and are ignored.

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
        self.usage = Usage()
        self._endpoint = endpoint
        self._columns = {tag.casefold(): column for column, tag in enumerate(self.tags)}
        prompts = read_json(package_file("evaluation/baselines/vision_prompts.json"))
        self._question = prompts["question"].format(tags=", ".join(self.tags))

    def score(self, picture: Image.Image) -> Floats:
        """Return (tags,) zeros and ones.

        Raises:
            DescriberError: the endpoint cannot be reached, refuses, or fails.
        """
        answer = anyio.run(partial(self._ask, picture))
        scores = np.zeros(len(self.tags))
        for named in named_tags(answer):
            column = self._columns.get(named.casefold())
            if column is None:
                self.unlisted += 1
            else:
                scores[column] = 1.0
        return scores

    async def _ask(self, picture: Image.Image) -> str:
        """Send one request, and send it again without an option that the server rejects."""
        import openai

        content = [
            {"type": "image_url", "image_url": {"url": data_url(picture)}},
            {"type": "text", "text": self._question},
        ]
        options: dict[str, Any] = {
            "model": self._endpoint.model,
            "messages": [{"role": "user", "content": content}],
            "max_tokens": MAX_TOKENS,
            "temperature": 0.0,
            "n": 1,
        }
        async with self._endpoint.client() as client:
            while True:
                try:
                    reply = await client.chat.completions.create(**options)
                    answer = reply.choices[0].message.content or ""
                    self.usage += _spent(reply)
                    return re.sub(r"^.*</think>", "", answer, flags=re.DOTALL)
                except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                    if not drop_rejected_option(options, error):
                        raise self._explain(error) from None
                except (openai.OpenAIError, ValueError, TypeError, AttributeError, IndexError) as error:
                    raise self._explain(error) from None

    def _explain(self, error: Exception) -> DescriberError:
        endpoint = self._endpoint
        why = reason(error, model=endpoint.model, timeout=endpoint.timeout, redact=endpoint.redact)
        return DescriberError(f"{endpoint.host} {why}.")


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


def _spent(reply: Any) -> Usage:
    """Usage of a request; without tokens where the server does not report them."""
    reported = getattr(reply, "usage", None)
    if reported is None:
        return Usage(1, estimated=True)
    return Usage(1, reported.prompt_tokens or 0, reported.completion_tokens or 0)


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
