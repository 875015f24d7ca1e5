"""Read requests of a label service, of limited size, and answer them in a few threads."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from ram.errors import InputError

LOOPBACK = ("localhost", "127.0.0.1", "::1", "[::1]")
"""Names of this machine: a service for it alone refuses requests that name another host."""
LARGEST = 40_000_000
"""Bytes of a request: an image of 20 MB is 27 MB in base64."""
AT_ONCE = 2
"""Images that are tagged at a time; further requests wait."""

_T = TypeVar("_T")
Ask = Callable[[Request, Callable[[Mapping[str, Any]], Any]], Awaitable[tuple[Mapping[str, Any], Any]]]
"""Reads the JSON object of a request, and gives it together with what a function answers to it."""


def asking() -> Ask:
    """A reader of requests with its own limit on how many are answered at a time.

    It raises InputError where a request is too large, no JSON object, or of a web page from another host, and whatever
    the function raises.
    """
    limiter: list[CapacityLimiter] = []  # made within the event loop

    async def ask(request: Request, answer: Callable[[Mapping[str, Any]], _T]) -> tuple[Mapping[str, Any], _T]:
        body = await _read(request)
        if not limiter:
            limiter.append(CapacityLimiter(AT_ONCE))
        return body, await to_thread.run_sync(answer, body, limiter=limiter[0])

    return ask


def _refuse_foreign_page(request: Request) -> None:
    """Browsers name the page that asks, and send a plain request even where it may not read the answer."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).hostname not in {*LOOPBACK, request.url.hostname}:
        raise InputError("a web page from another host asks, which is refused: ask from a program")


async def _read(request: Request) -> Mapping[str, Any]:
    _refuse_foreign_page(request)
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > LARGEST:
            raise InputError(f"the request is larger than {LARGEST // 1_000_000} MB: send a smaller image")
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        raise InputError("the request is no JSON document") from None
    if not isinstance(body, dict):
        raise InputError("the request is no JSON object")
    return body


def text_of(body: Mapping[str, Any], name: str) -> str:
    """A text of an object, "" where there is none; the texts of a list of parts, as chats have them, are joined."""
    value = body.get(name)
    if isinstance(value, list):
        return " ".join(text_of(part, "text") for part in value if isinstance(part, Mapping))
    return value if isinstance(value, str) else ""
