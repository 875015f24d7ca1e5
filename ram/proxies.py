"""Proxies that the environment names: which variable stands between this machine and an address."""

from __future__ import annotations

import importlib.util
import os
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

NETWORK_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE")
"""Variables that the HTTP client reads."""
_SCHEMES = ("all", "https", "http")


def proxy_variable(url: str) -> str:
    """Name of the variable whose proxy a request to this address goes through; empty without a proxy."""
    address = urlsplit(url)
    proxies = getproxies_environment()
    if proxy_bypass_environment(address.netloc.rpartition("@")[2], proxies):
        return ""
    return next((_spelled(scheme) for scheme in (address.scheme, "all") if proxies.get(scheme)), "")


def through_proxy(url: str) -> str:
    """" (through the proxy of HTTPS_PROXY)", to follow a host in a message; empty without a proxy.

    It names a variable that the HTTP client refuses before the one of the address, because that stops every request.
    """
    variable = next(iter(unusable_variables()), "") or proxy_variable(url)
    return f" (through the proxy of {variable})" if variable else ""


def unusable_variables() -> tuple[str, ...]:
    """Names of the variables whose proxy the HTTP client refuses, whatever the address of the request."""
    proxies = getproxies_environment()
    return tuple(_spelled(scheme) for scheme in _SCHEMES if not _is_usable(proxies.get(scheme, "")))


def _is_usable(proxy: str) -> bool:
    if not proxy:
        return True
    try:
        address = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        valid = bool(address.hostname) and (address.port is None or address.port > 0)
    except ValueError:
        return False
    if address.scheme in ("socks5", "socks5h"):
        return valid and importlib.util.find_spec("socksio") is not None
    return valid and address.scheme in ("http", "https")


def _spelled(scheme: str) -> str:
    """The variable of a scheme as it is set; "http_proxy" goes before "HTTP_PROXY"."""
    name = f"{scheme}_proxy"
    return name if os.environ.get(name) else name.upper()
