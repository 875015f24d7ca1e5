"""Answer /health from the first second on, also while the models load."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import ram
from demo.views.render import render

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

LOADING = "The models are being loaded: try again in a few seconds."
SECONDS = 5
"""Time after which to ask again while the models load."""


def report(models: Sequence[str]) -> dict[str, Any]:
    """``{"status": "ready", "models": [names], "version"}``; the status is "loading" while there is no model."""
    return {"status": "ready" if models else "loading", "models": list(models), "version": ram.__version__}


def answer(models: Sequence[str]) -> Callable[[Request], Response]:
    """The page's own answer to /health, once these models are loaded."""
    from starlette.responses import JSONResponse

    return lambda _: JSONResponse(report(models))


@contextmanager
def loading_page(host: str, port: int) -> Iterator[None]:
    """Answer every request with 503 until the models are loaded: /health with its report, others with a sentence.

    The port is free again when the block ends.
    """
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    kind = type("LoadingServer", (ThreadingHTTPServer,), {"address_family": family, "daemon_threads": True})
    with kind((host, port), _LoadingHandler) as server:
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.05), daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


class _LoadingHandler(BaseHTTPRequestHandler):
    timeout = SECONDS

    def do_GET(self) -> None:
        if self.path.partition("?")[0] == "/health":
            kind, text = "application/json", json.dumps(report(()))
        else:
            kind, text = "text/html; charset=utf-8", render("page", "loading", sentence=LOADING)
        body = text.encode()
        self.send_response(503)
        for name, value in (
            ("Content-Type", kind), ("Content-Length", str(len(body))), ("Retry-After", str(SECONDS)),
            ("Refresh", str(SECONDS)), ("Connection", "close"),
        ):  # fmt: skip
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Requests while the models load are not logged."""
