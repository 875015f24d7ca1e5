"""Fetch a photo by its address, from public hosts only and within limits.

An address that a visitor types must not reach what only this machine can reach. Each host is resolved first, every
address that it has must be public, and the connection goes to the address that was checked, so that a second answer of
the name server changes nothing. Redirects are followed by the same rules. Proxies of the environment are not used.
"""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, unquote, urljoin, urlsplit

from demo.core.kept_files import keep_file
from demo.core.texts import input_error
from ram.images.size_limits import UPLOADS

SECONDS = 15.0
"""Time for the whole photo, redirects included."""
PAUSE_SECONDS = 5.0
"""Longest time without an answer."""
MAX_REDIRECTS = 3
MAX_ADDRESS = 2_000
"""Characters of an address."""

_CHUNK = 65_536
_TRANSLATED = [ipaddress.ip_network(one) for one in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")]
"""IPv6 networks whose addresses hold one of IPv4, which could be a private one."""


class Answer(Protocol):
    """The part of `http.client.HTTPResponse` that is used."""

    status: int

    def getheader(self, name: str, default: str = "") -> str | None:
        """Value of a header."""
        ...

    def read(self, amount: int) -> bytes:
        """The next bytes, none at the end."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


Resolve = Callable[[str], Sequence[str]]
"""Host to its addresses; raises OSError where there are none."""
Ask = Callable[[str, str, str, float], Answer]
"""Ask a host, at one of its addresses, for a path, within seconds; raises OSError."""


def fetch_photo(
    address: str, uploads: Path, resolve: Resolve | None = None, ask: Ask | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Path:  # fmt: skip
    """Fetch a photo and put it among the uploads, in a folder named by the SHA-256 of its bytes.

    Args:
        address: as typed.
        uploads: folder of uploaded files.
        resolve, ask: the network.
        clock: seconds, for the time limit.

    Raises:
        InputError: the address, its host or its answer cannot be used.
    """
    resolve, ask = resolve or _resolve, ask or _ask
    address, until = address.strip(), clock() + SECONDS
    if not address:
        raise input_error("address_none")
    for _ in range(MAX_REDIRECTS + 1):
        host, target = _checked(address)
        answer = _answer(host, target, resolve, ask, until - clock())
        with closing(answer):
            if answer.status in (301, 302, 303, 307, 308):
                address = urljoin(address, answer.getheader("Location") or "")
                continue
            content = _content(answer, host, until, clock)
        return keep_file(content, unquote(urlsplit(address).path.rpartition("/")[2]), uploads)
    raise input_error("address_unreachable", host=host)


def is_public(address: str) -> bool:
    """Whether an IP address can be reached from everywhere: not private, loopback, link-local or reserved."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return is_public(str(parsed.ipv4_mapped))
        if any(parsed in network for network in _TRANSLATED):
            return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def _checked(address: str) -> tuple[str, str]:
    """Host and path of an address."""
    try:
        parts = urlsplit(address)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except (ValueError, UnicodeError):
        raise input_error("address_https") from None
    plain = len(address) <= MAX_ADDRESS and not re.search(r"[\s\x00-\x1f\x7f]", address)
    if parts.scheme != "https" or not host or parts.username is not None or port not in (None, 443) or not plain:
        raise input_error("address_https")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    return host, path + (f"?{quote(parts.query, safe='/%:@!$&()*+,;=~-._?')}" if parts.query else "")


def _answer(host: str, target: str, resolve: Resolve, ask: Ask, seconds: float) -> Answer:
    try:
        found = list(resolve(host))
        if not found or not all(map(is_public, found)):
            raise input_error("address_private")
        if seconds <= 0:
            raise TimeoutError
        answer = ask(host, found[0], target, seconds)
    except TimeoutError:
        raise input_error("address_slow", host=host) from None
    except (OSError, http.client.HTTPException, UnicodeError):
        raise input_error("address_unreachable", host=host) from None
    return answer


def _content(answer: Answer, host: str, until: float, clock: Callable[[], float]) -> bytes:
    """The body of an answer that is an image."""
    if answer.status != 200:
        raise input_error("address_unreachable", host=host)
    kind = (answer.getheader("Content-Type") or "file of no kind").partition(";")[0].strip().lower()
    if not kind.startswith("image/"):
        raise input_error("address_no_photo", host=host, kind=kind[:40])
    declared = answer.getheader("Content-Length") or ""
    if declared.isdecimal() and int(declared) > UPLOADS.file:
        raise input_error("address_too_large", most=UPLOADS.file // 1_000_000)
    content = bytearray()
    try:
        while chunk := answer.read(_CHUNK):
            content += chunk
            if len(content) > UPLOADS.file:
                raise input_error("address_too_large", most=UPLOADS.file // 1_000_000)
            if clock() > until:
                raise input_error("address_slow", host=host)
    except TimeoutError:
        raise input_error("address_slow", host=host) from None
    except (OSError, http.client.HTTPException):
        raise input_error("address_unreachable", host=host) from None
    return bytes(content)


def _resolve(host: str) -> list[str]:
    return list(dict.fromkeys(str(one[4][0]) for one in socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)))


class _Connection(http.client.HTTPSConnection):
    """A connection to a checked address that proves to be the host."""

    def __init__(self, host: str, address: str, seconds: float) -> None:
        self._verified = ssl.create_default_context()
        super().__init__(host, 443, timeout=min(seconds, PAUSE_SECONDS), context=self._verified)
        self._address = address

    def connect(self) -> None:
        plain = socket.create_connection((self._address, 443), self.timeout)
        self.sock = self._verified.wrap_socket(plain, server_hostname=self.host)

    def end(self) -> None:
        """End a connection that may be waiting for its next byte."""
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


class _LimitedAnswer:
    """An answer whose connection ends at the time limit, even where it comes byte by byte."""

    def __init__(self, answer: http.client.HTTPResponse, timer: threading.Timer) -> None:
        self._answer, self._timer = answer, timer
        self.status = answer.status

    def getheader(self, name: str, default: str = "") -> str | None:
        return self._answer.getheader(name, default)

    def read(self, amount: int) -> bytes:
        return self._answer.read1(amount)

    def close(self) -> None:
        self._timer.cancel()
        self._answer.close()


def _ask(host: str, address: str, target: str, seconds: float) -> Answer:
    connection = _Connection(host, address, seconds)
    timer = threading.Timer(seconds, connection.end)
    timer.daemon = True
    timer.start()
    headers = {"Accept": "image/*", "Accept-Encoding": "identity", "User-Agent": "ram-demo", "Connection": "close"}
    try:
        connection.request("GET", target, headers=headers)
        return _LimitedAnswer(connection.getresponse(), timer)
    except BaseException:
        timer.cancel()
        connection.close()
        raise
