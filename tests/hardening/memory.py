"""Memory that a page keeps: what leaks grows with every repetition, what an allocator holds back does not."""

from __future__ import annotations

from collections.abc import Callable

from tests.server import Server

ROUNDS = 4


def least_growth(server: Server, repeat: Callable[[], object], enough: int) -> int:
    """Repeat the same requests and return by how many bytes the page grew in the round in which it grew least.

    A single round says little: the working memory of one look varies by tens of megabytes.

    Args:
        server: the page.
        repeat: makes the requests of one round.
        enough: no further round is needed after one that grew by less.
    """
    least, before = None, server.resident()
    for _ in range(ROUNDS):
        repeat()
        after = server.resident()
        least = after - before if least is None else min(least, after - before)
        if least < enough:
            break
        before = after
    assert least is not None
    return least
