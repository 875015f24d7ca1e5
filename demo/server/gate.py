"""ASGI middleware before gradio's queue: limits what one visitor may ask at once, and drains requests at the end."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping, MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.core.texts import Text, language_of, say
from demo.server.visitors import Visitors, header

MAX_AT_ONCE = 8
"""Unfinished requests of one visitor; the queue holds more, so that others always find room."""
MAX_BYTES = 1_000_000
"""Size of a request that is not an upload: more than the page or a program ever sends."""

TOO_MANY = say("too_many_requests", most=MAX_AT_ONCE)
TOO_LONG = say("request_too_long", most=MAX_BYTES // 1000)
ENDING = say("page_restarts")
NO_ROOM = say("upload_no_room")

_log = logging.getLogger(__name__)

_UPLOAD = "/gradio_api/upload"
_ASK = ("/gradio_api/queue/join", "/gradio_api/call/", "/gradio_api/run/", "/gradio_api/api/")
_LISTEN = ("/gradio_api/queue/data", "/gradio_api/call/")


class Gate:
    """Middleware that refuses requests beyond the limits; thread-safe.

    Args:
        visitors: names the visitor of each request.
    """

    def __init__(self, visitors: Visitors) -> None:
        self._visitors = visitors
        self.queue: Any = None
        """gradio's queue, once the page is built."""
        self.closed = False
        self._entering: Counter[str] = Counter()
        self._listening = 0
        self._lock = threading.Lock()

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """The application behind this gate."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            await self._pass(app, scope, receive, send)

        return guarded

    def drain(self, seconds: float) -> bool:
        """Refuse new requests and wait for unfinished ones, at most so long; True if all were answered."""
        self.closed = True
        until = time.monotonic() + seconds
        calm = 0  # between asking and listening for the answer, a client has no connection open
        while calm < 5 and time.monotonic() < until:
            busy = self._listening or any(self._entering.values()) or any(self._events())
            calm = 0 if busy else calm + 1
            time.sleep(0.05)
        return calm == 5

    def unfinished(self, visitor: str) -> int:
        """Number of a visitor's requests that wait or run."""
        queued = sum(self._visitors.identify(event.request.scope) == visitor for event in self._events())
        return queued + self._entering[visitor]

    def _events(self) -> list[Any]:
        """Events of gradio's queue that wait or run; private parts of gradio, whose minor version is pinned."""
        if self.queue is None:
            return []
        waiting = [event for line in list(self.queue.event_queue_per_concurrency_id.values()) for event in line.queue]
        return waiting + [event for job in self.queue.active_jobs if job for event in job]

    async def _pass(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await app(scope, receive, send)
        path, asks = scope.get("path", ""), False
        if scope["type"] == "http" and scope["method"] == "POST":
            asks = path.startswith(_ASK)
            if not path.startswith(_UPLOAD):
                receive = _BoundedBody(receive)
                if _declared_bytes(scope) > MAX_BYTES:
                    return await _answer(scope, send, 413, TOO_LONG)
        visitor = self._visitors.identify(scope)
        with self._lock:
            if asks and self.closed:
                refusal = 503, ENDING
            elif asks and self.unfinished(visitor) >= MAX_AT_ONCE:
                refusal = 429, TOO_MANY
            else:
                refusal = None
                self._entering[visitor] += asks
        if refusal:
            return await _answer(scope, send, *refusal)
        listens = scope["type"] == "http" and scope["method"] == "GET" and path.startswith(_LISTEN)
        self._listening += listens
        try:
            await app(scope, receive, send)
        except OSError as error:
            if not path.startswith(_UPLOAD):
                raise
            _log.error("an upload cannot be stored: %s", error)
            await _answer(scope, send, 507, NO_ROOM)
        finally:
            self._listening -= listens
            if asks:
                self._entering[visitor] -= 1
                self._entering += Counter()  # removes visitors without unfinished requests


class _BoundedBody:
    """The body of a request, cut off where it grows too long, whatever length was declared."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._bytes = 0

    async def __call__(self) -> MutableMapping[str, Any]:
        message: Message = await self._receive()
        self._bytes += len(message.get("body", b""))
        return {"type": "http.disconnect"} if self._bytes > MAX_BYTES else message


def _declared_bytes(scope: Mapping[str, Any]) -> int:
    declared = header(scope, "content-length")
    return int(declared[:18]) if declared.isdecimal() else 0  # Python refuses to read thousands of digits


async def _answer(scope: Scope, send: Send, status: int, text: Text) -> None:
    """Answer in the visitor's language, in the form in which gradio's page and its clients look for errors."""
    sentence = text.in_language(language_of(header(scope, "accept-language")))
    body = json.dumps({"detail": sentence, "error": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
