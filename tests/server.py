"""The page in a process of its own, and what a visitor without a browser can do with it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.paths import ROOT

START_SECONDS = 240
ANSWER_SECONDS = 60
READY = "The page is at"


@dataclass
class Server:
    """A started page.

    Args:
        address: "http://127.0.0.1:PORT".
        process: what serves it.
        said: the lines of its standard error so far.
    """

    address: str
    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    @property
    def log(self) -> str:
        return "".join(self.said)

    def resident(self) -> int:
        """Bytes of memory that the process holds."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))

    def visitor(self, address: str = "") -> httpx.Client:
        """A client; with another address than the others' it is another visitor."""
        headers = {"X-Forwarded-For": address} if address else {}
        return httpx.Client(base_url=self.address, timeout=ANSWER_SECONDS, headers=headers, trust_env=False)


def upload(visitor: httpx.Client, name: str, content: bytes) -> str:
    """Give a file; its path there."""
    return visitor.post("/gradio_api/upload", files={"files": (name, content)}).raise_for_status().json()[0]


def photo(path: str) -> dict[str, Any]:
    """A file as a client names it."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def ask(visitor: httpx.Client, endpoint: str, *values: Any, session: str = "") -> tuple[bool, Any]:
    """Call a named endpoint through the queue: (True, answer) or (False, the sentence that says why not).

    Calls of one `session` are one visit to the page; without it each call is a visit of its own.
    """
    belongs = session or uuid.uuid4().hex
    asked = visitor.post(f"/gradio_api/call/{endpoint}", json={"data": list(values), "session_hash": belongs})
    if asked.status_code != 200:
        return False, asked.json()["detail"]
    event = ""
    with visitor.stream("GET", f"/gradio_api/call/{endpoint}/{asked.json()['event_id']}") as lines:
        for line in lines.iter_lines():
            name, _, rest = line.partition(": ")
            if name == "event":
                event = rest
            elif name == "data" and event in ("complete", "error"):
                return _outcome(event, rest)
    raise AssertionError(f"no answer of {endpoint}, the last event was {event!r}")


def _outcome(event: str, data: str) -> tuple[bool, Any]:
    value = httpx.Response(200, text=data).json()
    if event == "complete":
        return True, value[0]
    return False, value["error"] if isinstance(value, Mapping) else value


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def started(
    *flags: str, folder: Path = ROOT, python: tuple[str, ...] = (sys.executable,), **environ: str
) -> Iterator[Server]:
    """`python app.py` with these flags, not yet ready; killed in the end, however it stands by then."""
    port = free_port()
    command = [*python, "app.py", "--port", str(port), "--device", "cpu", *flags]
    surroundings = {**os.environ, **environ}
    with subprocess.Popen(command, cwd=folder, env=surroundings, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield Server(f"http://127.0.0.1:{port}", process)
        finally:
            process.kill()


@contextmanager
def page_served(*flags: str, **options: Any) -> Iterator[Server]:
    """Serve `python app.py` with these flags, ready for visitors."""
    with started(*flags, **options) as server:
        wait_until_ready(server)
        yield server


def wait_until_ready(server: Server) -> None:
    guard = threading.Timer(START_SECONDS, server.process.kill)
    guard.start()
    assert server.process.stderr is not None
    for line in server.process.stderr:
        server.said.append(line)
        if READY in line:
            break
    else:
        raise AssertionError(f"the page did not start within {START_SECONDS} s:\n{server.log}")
    guard.cancel()
    threading.Thread(target=server.said.extend, args=(server.process.stderr,), daemon=True).start()
