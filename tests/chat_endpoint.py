"""A small OpenAI-compatible chat server on this machine for tests: it does what a test tells it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, Any]
"""Status and body; a body of bytes is sent as a web page."""
HALF_CLOSED = 299
"""The status of a reply that promises more bytes than it sends."""


Behaviour = Callable[[dict[str, Any], int], Reply]
Serve = Callable[[Behaviour], "ChatEndpoint"]
"""The fixture `serve`: starts an endpoint that stops with the test."""


class ChatEndpoint:
    """Answers `POST {url}/chat/completions` by a function of the request and its number, from 1.

    Attributes:
        url: for a client's base URL.
        requests: bodies of all requests so far.
        keys: their Authorization headers.
        most_busy: how many were worked on at once.
        released: set when the server stops: what a behaviour waits for that does not answer in time.
    """

    def __init__(self, behave: Behaviour) -> None:
        self.behave = behave
        self.requests: list[dict[str, Any]] = []
        self.keys: set[str] = set()
        self.most_busy = 0
        self.released = threading.Event()
        self._busy = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def stop(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, request: dict[str, Any], key: str) -> Reply:
        with self._lock:
            self.requests.append(request)
            self.keys.add(key)
            self._busy += 1
            self.most_busy = max(self.most_busy, self._busy)
            number = len(self.requests)
        try:
            return self.behave(request, number)
        finally:
            with self._lock:
                self._busy -= 1


def completion(*texts: str | None, finish: str = "stop", **message: Any) -> Reply:
    """A reply with one choice for each text."""
    said = [{"role": "assistant", "content": text, **message} for text in texts]
    choices = [{"index": place, "finish_reason": finish, "message": one} for place, one in enumerate(said)]
    return 200, {"id": "1", "object": "chat.completion", "created": 1, "model": "tiny", "choices": choices}


def refusal(status: int, message: str, param: str | None = None) -> Reply:
    """A reply in the form of OpenAI's errors."""
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": None}
    return status, {"error": error}


def prompt_of(request: dict[str, Any]) -> str:
    """What the user message of a request says."""
    return str(request["messages"][-1]["content"])


def honours_n(request: dict[str, Any], number: int) -> Reply:
    """Return the number of different answers that was asked for."""
    return completion(*(f"Answer {place} to {prompt_of(request)}" for place in range(request["n"])))


def ignores_n(request: dict[str, Any], number: int) -> Reply:
    """One answer, whatever is asked for; another one each time."""
    return completion(f"Answer number {number} to {prompt_of(request)}")


def _handler(endpoint: ChatEndpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, body = endpoint.answer(request, self.headers["Authorization"])
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            length = len(content) + (1000 if status == HALF_CLOSED else 0)
            self.close_connection = True
            with suppress(OSError):  # the client may be gone
                self.send_response(200 if status == HALF_CLOSED else status)
                self.send_header("Content-Type", "text/html" if body is content else "application/json")
                self.send_header("Content-Length", str(length))
                self.send_header("retry-after-ms", "1")
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
