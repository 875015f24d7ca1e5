"""Start a local language model on first use, ask it for completions, end it with this process."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import subprocess
import sys
import threading
import weakref
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ram.describers.local.weights import INSTALL, installed_weights, is_available
from ram.errors import DescriberError

START_SECONDS = 120.0
REPLY_SECONDS = 60.0
MAX_REPLY = 1_000_000
"""Bytes read of one reply."""
CONTEXT = 2048
"""Tokens of prompt and answer together."""
SCRIPT = Path(__file__).with_name("serve.py")


@dataclass(frozen=True)
class Completion:
    """Text that continues a prompt, and whether the model ended it itself."""

    text: str
    finished: bool


class CompletionServer:
    """Language model in a process of its own, on a port of the loopback address with a key of its own.

    Starts with the first completion and again after it died; ends with :meth:`close`, with this object and with this
    process, however that ends. Thread-safe: completions are computed one after the other.

    Args:
        weights: GGUF file; None for the installed one.
        start_seconds, reply_seconds: how long to wait for the first line of output, and for one completion.
    """

    def __init__(
        self,
        weights: Path | None = None,
        start_seconds: float = START_SECONDS,
        reply_seconds: float = REPLY_SECONDS,
    ) -> None:
        self._weights = weights
        self._start_seconds, self._reply_seconds = start_seconds, reply_seconds
        self._key = secrets.token_urlsafe(24)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._finalizer: Any = None
        self._address = ""
        self._failure = ""

    def __repr__(self) -> str:
        return f"CompletionServer({self.name!r})"

    @property
    def name(self) -> str:
        """Name of the model: that of its file."""
        weights = self._weights or installed_weights()
        return weights.stem if weights else "none"

    @property
    def fingerprint(self) -> str:
        """Name and size of the weights."""
        weights = self._weights or installed_weights()
        return f"{self.name}, {weights.stat().st_size} bytes" if weights and weights.exists() else self.name

    @property
    def pid(self) -> int | None:
        """Process that serves; None while there is none."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def complete(self, prompt: str, *, tokens: int, temperature: float, seed: int) -> Completion:
        """Continue a prompt up to the end of the line.

        Args:
            prompt: text to continue.
            tokens: most tokens of the answer.
            temperature: of sampling.
            seed: of sampling.

        Raises:
            DescriberError: the model is not installed, does not start, stops, or does not answer in time.
        """
        request = {
            "prompt": prompt,
            "max_tokens": tokens,
            "temperature": temperature,
            "seed": seed,
            "stop": ["\n"],
        }
        with self._lock:
            if self.pid is None:
                self._start()
            return self._ask(request)

    def close(self) -> None:
        """End the process, if there is one; the next completion starts another."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._finalizer is not None:
            self._finalizer()
        self._process = self._finalizer = None

    def _start(self) -> None:
        """Start the process; a start that failed is not tried again."""
        self._end()
        if self._failure:
            raise DescriberError(self._failure)
        if not is_available(self._weights):
            raise DescriberError(f"The local language model is not installed: run `{INSTALL}`.")
        settings = {
            "weights": str(self._weights or installed_weights()),
            "key": self._key,
            "context": CONTEXT,
            "threads": max(1, min(4, (os.cpu_count() or 1) // 2)),
            "parent": os.getpid(),
        }
        try:
            process = subprocess.Popen(
                [sys.executable, str(SCRIPT)], text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for this process, which ends the other one
            )  # fmt: skip
        except OSError as error:
            raise DescriberError(f"The local language model cannot be started: {error.strerror or error}.") from None
        self._process, self._finalizer = process, weakref.finalize(self, _stop, process, os.getpid())
        assert process.stdin is not None and process.stdout is not None
        guard = threading.Timer(self._start_seconds, process.kill)
        guard.daemon = True
        guard.start()
        try:
            process.stdin.write(json.dumps(settings) + "\n")
            process.stdin.flush()
            address = urlsplit(process.stdout.readline(200).strip())
        except (OSError, ValueError):
            address = urlsplit("")
        finally:
            guard.cancel()
        if address.hostname != "127.0.0.1" or not address.port:
            self._end()
            self._failure = (
                f"The local language model {self.name} does not start on this machine: "
                "choose another file with --llm-model."
            )
            raise DescriberError(self._failure)
        self._address = address.netloc

    def _ask(self, request: dict[str, Any]) -> Completion:
        connection = http.client.HTTPConnection(self._address, timeout=self._reply_seconds)
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        try:
            connection.request("POST", "/v1/completions", json.dumps(request), headers)
            reply = connection.getresponse()
            content = reply.read(MAX_REPLY)
        except TimeoutError:
            self._end()  # it would go on computing
            raise DescriberError(
                f"The local language model did not answer within {self._reply_seconds:g} seconds: try again later."
            ) from None
        except (OSError, http.client.HTTPException):
            self._end()
            raise DescriberError("The local language model stopped while it was writing: try again.") from None
        finally:
            connection.close()
        try:
            choice = json.loads(content)["choices"][0]
            return Completion(str(choice["text"]), choice.get("finish_reason") != "length")
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise DescriberError(
                f"The local language model {self.name} gave no completion (status {reply.status}): "
                "choose another file with --llm-model."
            ) from None


@cache
def shared_server(weights: Path | None = None) -> CompletionServer:
    """The one server of this process for these weights."""
    return CompletionServer(weights)


def _stop(process: subprocess.Popen[str], owner: int) -> None:
    """End a process that this process started; a fork of this process leaves it alone."""
    if os.getpid() != owner:
        return
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:  # what was not sent yet
                pass
    process.kill()
    process.wait()
