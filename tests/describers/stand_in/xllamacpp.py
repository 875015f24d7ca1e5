"""Stands in for the package xllamacpp: a completion server on loopback that does what the weights file says.

The file holds "GGUF", a space and a behaviour; the server's answers are numbered through.
"""

from __future__ import annotations

import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

LOOKS = (
    " a small dog with short legs, pointed ears and a white chest.",
    " thick orange fur and a very short fluffy tail behind.",
    " a friendly little fox standing on a green lawn somewhere.",
    " a wet black nose between two bright round eyes.",
    " a narrow leather collar with a shiny round badge.",
    " its pink tongue out while running over the sand.",
    " a long low body and large upright ears.",
    " something that children like to hold on a leash.",
)


class CommonParams:
    """Settings that the package has as attributes."""

    def __init__(self) -> None:
        self.model = SimpleNamespace(path="")
        self.cpuparams, self.cpuparams_batch = SimpleNamespace(), SimpleNamespace()
        self.api_keys: list[str] = []


class Server:
    """Serves from its making on."""

    def __init__(self, params: Any) -> None:
        behaviour = Path(params.model.path).read_text().partition(" ")[2]
        if behaviour == "does not start":
            raise RuntimeError("no such model")
        print("much that nobody reads " * 10_000, flush=True)  # as libraries do
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(behaviour, params.api_keys[0]))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.listening_address = f"http://127.0.0.1:{self._server.server_address[1]}"


def _handler(behaviour: str, key: str) -> type[BaseHTTPRequestHandler]:
    count = iter(range(10**6))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            index, request = next(count), json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.headers["Authorization"] != f"Bearer {key}" or self.path != "/v1/completions":
                return self._send(401, {"error": "wrong key"})
            if behaviour == "stops" and index == 2:
                os._exit(1)
            if behaviour == "hangs":
                time.sleep(60)
            text = LOOKS[index % len(LOOKS)]
            if behaviour == "echoes":
                text = json.dumps(request)
            body = b"<html>" if behaviour == "no json" else {"choices": [{"text": text, "finish_reason": "stop"}]}
            self._send(200, body)

        def _send(self, status: int, body: Any) -> None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
