"""What a language model is asked for: requests, and the tokens of both sides, metered as they are spent."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Usage:
    """What was spent; sums keep an estimate visible.

    Args:
        requests: sent; one that the server turned away counts, its repetitions do not.
        prompt_tokens, completion_tokens: as the server reports them.
        estimated: some of the tokens are our own estimate, because the server did not say.
    """

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False

    def __post_init__(self) -> None:
        if min(self.requests, self.prompt_tokens, self.completion_tokens) < 0:
            raise ValueError(f"nothing can be spent less than zero times: {self}")

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.requests + other.requests,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.estimated or other.estimated,
        )

    @property
    def tokens(self) -> int:
        """Both sides together."""
        return self.prompt_tokens + self.completion_tokens


class Meter(Protocol):
    """Asked before every request, told after it."""

    def reserve(self, tokens: int) -> None:
        """A request is about to take up to so many tokens.

        Raises:
            DescriberError: it may not be made; the text says why.
        """

    def settle(self, reserved: int, used: Usage) -> None:
        """The request for which `reserved` tokens were set aside has taken this."""


class Tally:
    """A meter that counts and refuses nothing; may be shared between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.usage = Usage()

    def reserve(self, tokens: int) -> None:
        """Everything may be asked for."""

    def settle(self, reserved: int, used: Usage) -> None:
        with self._lock:
            self.usage += used
