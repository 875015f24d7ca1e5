"""The page's process: address checks, log messages, memory and signals."""

from __future__ import annotations

import ctypes
import importlib.util
import logging
import os
import signal
import warnings
from collections.abc import MutableMapping
from queue import SimpleQueue
from urllib.request import getproxies

from ram.errors import InputError
from ram.proxies import unusable_variables

M_MMAP_THRESHOLD, LARGE_BYTES = -3, 8_000_000
"""Number of the setting in malloc.h, and its value."""

_log = logging.getLogger(__name__)


def exempt_from_proxies(host: str) -> None:
    """Send requests of this process to itself past the proxies of the environment or the system.

    gradio asks its own address when it starts and for every call of an MCP tool. Settings that the HTTP client refuses
    would stop even that: they are ignored, with a warning.
    """
    for variable in unusable_variables():
        _log.warning("%s names no http:// proxy: it is ignored.", variable)
        os.environ.pop(variable, None)
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        if not os.path.exists(os.environ.get(variable) or "."):
            _log.warning("%s names nothing that exists: it is ignored.", variable)
            os.environ.pop(variable)
    proxies = getproxies()
    bypass = [name.strip(" []") for name in proxies.pop("no", "").split(",") if name.strip(" []")]
    if "*" in bypass or not (proxies or bypass):
        return
    for scheme, proxy in proxies.items():  # of the system: they count only where the environment names no host at all
        os.environ.setdefault(f"{scheme}_proxy", proxy)
    own = ("127.0.0.1", "localhost", "::1", host)
    for variable in ("no_proxy", "NO_PROXY"):
        os.environ[variable] = ",".join(dict.fromkeys([*bypass, *own]))


def check_mcp() -> None:
    """Check that the package for MCP is installed.

    Raises:
        InputError: it is not.
    """
    if importlib.util.find_spec("mcp") is None:
        raise InputError('--mcp needs the package mcp: install it with pip install "ram[mcp]", or leave the flag out')


def configure_logging(environ: MutableMapping[str, str]) -> None:
    """Show the page's messages and all warnings; send nothing to other hosts unless the environment asks for it."""
    environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("demo.launch").setLevel(logging.INFO)
    # the browser draws the text of plots and has more fonts than matplotlib
    warnings.filterwarnings("ignore", message="Glyph .* missing from font")


def release_memory() -> None:
    """Return the memory of large images to the system; the C library would keep half a gigabyte of it."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc
        return
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)


def stop_signals() -> SimpleQueue[int]:
    """Queue of the signals to end that arrive from now on.

    Not an Event: setting one in a signal handler deadlocks if a second signal arrives meanwhile, as under `make`, which
    passes on a signal that the terminal has sent to both.
    """
    received: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: received.put(number))
    return received
