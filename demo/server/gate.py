"""What stands in front of gradio's queue: how much one visitor may ask for at once, and an orderly end."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_AT_ONCE = 8
"""Requests of one visitor that wait or are under way; the queue holds more, so that others always find room in it."""
MOST_BYTES = 1_000_000
"""Of a request that is no upload: more than anything the page or a program has to say."""

TOO_MANY = f"You have {MOST_AT_ONCE} requests under way already: wait for their answers."
TOO_LONG = f"This request is over {MOST_BYTES // 1000} kB: photos are uploaded first, all else is short."
ENDING = "The page is being restarted: try again in a minute; nothing you typed is lost."

NO_ROOM = "This file cannot be kept here at the moment: try again later, or give a smaller one."

_log = logging.getLogger(__name__)

_GIVES = "/gradio_api/upload"
_ASKS = ("/gradio_api/queue/join", "/gradio_api/call/", "/gradio_api/run/", "/gradio_api/api/")
_HEARS = ("/gradio_api/queue/data", "/gradio_api/call/")


class Gate:
    """Lets requests through to the page as long as they are in measure; holds one lock for short moments only.

    Args:
        visitor: a name for who asks from an address, given the header X-Forwarded-For: `Limits.visitor`.
    """

    def __init__(self, visitor: Callable[[str, str], str]) -> None:
        self._visitor = visitor
        self.queue: Any = None
        """gradio's queue, once the page is built."""
        self.closed = False
        self._entering: Counter[str] = Counter()
        self._hearing = 0
        self._lock = threading.Lock()

    def over(self, app: ASGIApp) -> ASGIApp:
        """The same application behind this gate."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            await self._pass(app, scope, receive, send)

        return guarded

    def end(self, seconds: float) -> bool:
        """Turn new requests away and wait for the answers under way, at most so long; were they all given?"""
        self.closed = True
        until = time.monotonic() + seconds
        calm = 0  # between being let in and listening for the answer, a client has nothing open
        while calm < 5 and time.monotonic() < until:
            busy = self._hearing or any(self._entering.values()) or any(self._events())
            calm = 0 if busy else calm + 1
            time.sleep(0.05)
        return calm == 5

    def unfinished(self, visitor: str) -> int:
        """Requests of a visitor that wait or are under way."""
        mine = sum(self._who(event.request.scope) == visitor for event in self._events())
        return mine + self._entering[visitor]

    def _events(self) -> list[Any]:
        """Of gradio's queue: those that wait and those that are under way."""
        if self.queue is None:
            return []
        waiting = [event for line in list(self.queue.event_queue_per_concurrency_id.values()) for event in line.queue]
        return waiting + [event for job in self.queue.active_jobs if job for event in job]

    def _who(self, scope: Mapping[str, Any]) -> str:
        address, *_ = scope.get("client") or ("",)
        return self._visitor(address, _header(scope, b"x-forwarded-for"))

    async def _pass(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        path, asks = scope.get("path", ""), False
        if scope["type"] == "http" and scope["method"] == "POST":
            asks = path.startswith(_ASKS)
            if not path.startswith(_GIVES):
                receive = _Measured(receive)
                if _declared(scope) > MOST_BYTES:
                    return await _answer(send, 413, TOO_LONG)
        visitor = self._who(scope)
        with self._lock:
            if asks and self.closed:
                refusal = 503, ENDING
            elif asks and self.unfinished(visitor) >= MOST_AT_ONCE:
                refusal = 429, TOO_MANY
            else:
                refusal = None
                self._entering[visitor] += asks
        if refusal:
            return await _answer(send, *refusal)
        hears = scope["type"] == "http" and scope["method"] == "GET" and path.startswith(_HEARS)
        self._hearing += hears
        try:
            await app(scope, receive, send)
        except OSError as error:
            if not path.startswith(_GIVES):
                raise
            _log.error("an upload cannot be kept: %s", error)
            await _answer(send, 507, NO_ROOM)
        finally:
            self._hearing -= hears
            if asks:
                self._entering[visitor] -= 1
                self._entering += Counter()  # forgets who has nothing under way


class _Measured:
    """A request's body that breaks off where it grows too long, whatever length it was said to have."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._bytes = 0

    async def __call__(self) -> MutableMapping[str, Any]:
        message: Message = await self._receive()
        self._bytes += len(message.get("body", b""))
        return {"type": "http.disconnect"} if self._bytes > MOST_BYTES else message


def _declared(scope: Mapping[str, Any]) -> int:
    said = _header(scope, b"content-length")
    return int(said) if said.isdecimal() else 0


def _header(scope: Mapping[str, Any], name: bytes) -> str:
    return ",".join(value.decode("latin-1") for known, value in scope.get("headers", ()) if known == name)


async def _answer(send: Send, status: int, sentence: str) -> None:
    """In the form in which gradio's page and its clients look for what went wrong."""
    body = json.dumps({"detail": sentence, "error": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
