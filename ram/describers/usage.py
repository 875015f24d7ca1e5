"""Requests and tokens that a language model costs, and the meter that allows or refuses them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Usage:
    """Requests and tokens spent.

    Args:
        requests: sent requests. A request that the server refused counts once, however often it was retried.
        prompt_tokens, completion_tokens: as the server reports them.
        estimated: some token counts are our estimate, because the server did not report them.
    """

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False

    def __post_init__(self) -> None:
        if min(self.requests, self.prompt_tokens, self.completion_tokens) < 0:
            raise ValueError(f"usage cannot be negative: {self}")

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.requests + other.requests,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.estimated or other.estimated,
        )

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens


class Meter(Protocol):
    """Budget that is asked before every request and told the cost after it."""

    def reserve(self, tokens: int) -> None:
        """Set up to ``tokens`` tokens aside for a request that is about to be sent.

        Raises:
            DescriberError: the request is not allowed; the text says why.
        """

    def settle(self, reserved: int, used: Usage) -> None:
        """Replace the ``reserved`` tokens of one request by what it used."""


class UsageCounter:
    """Meter that allows everything and adds up the usage; may be shared between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.usage = Usage()

    def reserve(self, tokens: int) -> None:
        """Allow the request."""

    def settle(self, reserved: int, used: Usage) -> None:
        with self._lock:
            self.usage += used
