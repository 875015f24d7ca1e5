"""Check the address on which a server is to listen."""

from __future__ import annotations

import errno
import socket

from ram.errors import InputError


def check_address(host: str, port: int) -> None:
    """Check that a server can listen on an address, before it loads its models.

    Raises:
        InputError: the port is in use, or the address is not one of this machine.
    """
    if not 0 <= port <= 65535:
        raise InputError(f"port {port} does not exist: choose one up to 65535 with --port")
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise InputError(f"port {port} is in use: choose another with --port") from None
        raise InputError(f"cannot listen on {host} port {port} ({error.strerror}): see --host and --port") from None
