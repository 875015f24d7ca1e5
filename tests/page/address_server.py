"""Start the page with a web of its own for photos by address: `python -m tests.page.address_server app.py [FLAGS]`.

Only what resolves a host and what asks it are replaced, so that every check of an address and of an answer still runs.
"""

from __future__ import annotations

import sys
from functools import partial

import demo.sections.address
from demo.launch import main
from demo.server.fetching import fetch_photo
from tests.paths import ROOT

HOSTS = {"example.org": ["93.184.215.14"], "intranet.example": ["10.0.0.7"]}
"""Addresses by host: a public one and a private one."""
MOVED = "https://intranet.example/dog.jpg"
"""Where https://example.org/moved.jpg redirects to."""


class Answer:
    """An answer that holds these bytes."""

    def __init__(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.status, self._content, self._headers = status, content, headers

    def getheader(self, name: str, default: str = "") -> str:
        return self._headers.get(name.replace("-", "_"), default)

    def read(self, amount: int) -> bytes:
        chunk, self._content = self._content[:amount], self._content[amount:]
        return chunk

    def close(self) -> None:
        pass


def resolve(host: str) -> list[str]:
    if host not in HOSTS:
        raise OSError(f"no host {host}")
    return HOSTS[host]


def ask(host: str, address: str, target: str, seconds: float) -> Answer:
    assert address == HOSTS["example.org"][0] and host == "example.org", "only the public host may be asked"
    if target == "/cat.jpg":
        return Answer(200, (ROOT / "assets" / "examples" / "cat.jpg").read_bytes(), Content_Type="image/jpeg")
    if target == "/moved.jpg":
        return Answer(302, Location=MOVED)
    return Answer(200, b"<html>", Content_Type="text/html")


if __name__ == "__main__":
    demo.sections.address.fetch_photo = partial(fetch_photo, resolve=resolve, ask=ask)
    sys.exit(main(sys.argv[2:], prog="app.py"))
