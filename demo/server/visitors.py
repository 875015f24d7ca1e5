"""Tell visitors apart without keeping their addresses.

The gate names the visitor of every request in a signed header. MCP needs the signature: gradio answers a tool call by
asking itself over HTTP, from this machine, with the headers of the call; the signed header then still names the caller.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Mapping, MutableMapping
from typing import Any

HEADER = "x-ram-visitor"


class Visitors:
    """Names for visitors: keyed hashes of their addresses that change with every start of the page.

    Args:
        proxies: number of the host's own proxies before the page; each appends the address that it was asked from to
            the header X-Forwarded-For.
    """

    def __init__(self, proxies: int = 0) -> None:
        self._proxies = proxies
        self._secret = secrets.token_bytes(32)

    def name(self, address: str | None, forwarded: str | None = None) -> str:
        """Name of the visitor with this address; the address cannot be computed from it.

        Args:
            address: where the connection comes from.
            forwarded: the header X-Forwarded-For. Anyone may send it, so only the part that the host's own proxies have
                appended is read.
        """
        hops = [hop.strip() for hop in (forwarded or "").split(",") if hop.strip()] if self._proxies else []
        if hops:
            address = hops[-min(self._proxies, len(hops))]
        return self._hash(f"address {_network(address or '')}")

    def identify(self, scope: MutableMapping[str, Any]) -> str:
        """Name the visitor of an ASGI request, and write the name into its signed header."""
        signed = header(scope, HEADER)
        name, _, signature = signed.partition(".")
        if not hmac.compare_digest(signature.encode(), self._hash(f"visitor {name}").encode()):
            address, *_ = scope.get("client") or ("",)
            name = self.name(address, header(scope, "x-forwarded-for"))
            signed = f"{name}.{self._hash(f'visitor {name}')}"
        others = [(key, value) for key, value in scope.get("headers", ()) if key != HEADER.encode()]
        scope["headers"] = [*others, (HEADER.encode(), signed.encode())]
        return name

    def _hash(self, text: str) -> str:
        return hashlib.blake2b(text.encode(), key=self._secret, digest_size=16).hexdigest()


def visitor_of(headers: Mapping[str, str]) -> str:
    """Name that the gate has written into the headers of a request, "" without a gate."""
    return headers.get(HEADER, "").partition(".")[0]


def header(scope: Mapping[str, Any], name: str) -> str:
    """All values of a header of an ASGI request, joined by commas."""
    return ",".join(value.decode("latin-1") for key, value in scope.get("headers", ()) if key == name.encode())


def _network(address: str) -> str:
    """The address, or its /64 network for IPv6, where one household has billions of addresses."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0].strip("[]"))
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
