"""What a language model may cost on a public page: per visitor and per day, in requests and in tokens.

Everything is kept in memory: a restart begins a new day. Addresses of visitors are kept only as keyed hashes that
nobody can turn back, and that mean nothing after a restart.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from ram.describers.usage import Usage
from ram.errors import DescriberError

DAY_SECONDS = 86_400
MOST_VISITORS = 10_000
"""Visitors remembered within a day; past that the one seen longest ago is forgotten."""


@dataclass(frozen=True)
class Spent:
    """Requests and tokens of today."""

    requests: int = 0
    tokens: int = 0


class LimitReached(DescriberError):
    """Today's requests or tokens are used up; the text is a sentence for the visitor."""


@dataclass(frozen=True)
class Budget:
    """What may be spent in one day (UTC).

    Args:
        requests: to the language model; None for no limit.
        tokens: of questions and answers together; None for no limit.
    """

    requests: int | None = None
    tokens: int | None = None

    def __post_init__(self) -> None:
        if any(most is not None and most < 0 for most in (self.requests, self.tokens)):
            raise ValueError(f"{self} cannot be spent: give counts from 0 up, or None for no limit")

    def allows(self, spent: Spent) -> bool:
        """Whether so much may be spent in all."""
        pairs = ((spent.requests, self.requests), (spent.tokens, self.tokens))
        return all(most is None or used <= most for used, most in pairs)

    def share(self, spent: Spent) -> float:
        """How much of it is spent, 0..1, by whichever of the two is scarcer."""
        pairs = ((spent.requests, self.requests), (spent.tokens, self.tokens))
        return max(min(1.0, used / most if most else 1.0) if most is not None else 0.0 for used, most in pairs)


VISITOR_BUDGET = Budget(500, 100_000)
"""About 25 categories of a server that gives ten answers to a request, ten categories of one that gives one."""
DAY_BUDGET = Budget(10_000, 2_000_000)


@dataclass(frozen=True)
class Standing:
    """Where a visitor stands today: what they have spent and what everyone has, beside what may be spent."""

    visitor: Spent
    visitor_budget: Budget
    day: Spent
    day_budget: Budget


class Limits:
    """Budgets and what has been spent of them today; may be shared between threads.

    Args:
        visitor: what one visitor may spend in a day.
        day: what all of them may spend together.
        proxies: how many proxies of the host's stand before the page; each appends the address it was asked from.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        visitor: Budget = VISITOR_BUDGET,
        day: Budget = DAY_BUDGET,
        proxies: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.visitor_budget = visitor
        self.day_budget = day
        self._proxies = proxies
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._today = 0
        self._total = Spent()
        self._spent: OrderedDict[str, Spent] = OrderedDict()

    def visitor(self, address: str | None, forwarded: str | None = None) -> str:
        """A name for whoever asks from this address: the same all day, and not to be turned back into the address.

        Args:
            address: where the connection comes from.
            forwarded: the header X-Forwarded-For. Anyone may send one, so only what the host's own proxies have
                appended is looked at.
        """
        hops = [hop.strip() for hop in (forwarded or "").split(",") if hop.strip()] if self._proxies else []
        if hops:
            address = hops[-min(self._proxies, len(hops))]
        return hashlib.blake2b(_home(address or "").encode(), key=self._secret, digest_size=16).hexdigest()

    def meter(self, visitor: str) -> VisitorMeter:
        """What a describer asks before each request that it makes for this visitor."""
        return VisitorMeter(self, visitor)

    def standing(self, visitor: str) -> Standing:
        """Where this visitor stands."""
        with self._lock:
            self._begin_day()
            return Standing(self._spent.get(visitor, Spent()), self.visitor_budget, self._total, self.day_budget)

    def reserve(self, visitor: str, tokens: int) -> None:
        """Set one request and so many tokens aside.

        Raises:
            LimitReached: the visitor's budget or the page's does not hold them.
        """
        with self._lock:
            self._begin_day()
            spent, total = self._spent.get(visitor, Spent()), self._total
            after = Spent(spent.requests + 1, spent.tokens + tokens)
            in_all = Spent(total.requests + 1, total.tokens + tokens)
            if not self.visitor_budget.allows(after):
                raise LimitReached(f"Your share of the language model for today is used up{_AGAIN}.")
            if not self.day_budget.allows(in_all):
                raise LimitReached(f"This page has used up its language model for today{_AGAIN}.")
            self._put(visitor, after, in_all)

    def settle(self, visitor: str, reserved: int, used: Usage) -> None:
        """Put what a request has taken in the place of what was set aside for it."""
        with self._lock:
            self._begin_day()
            spent = self._spent.get(visitor, Spent())
            self._put(visitor, _settled(spent, reserved, used), _settled(self._total, reserved, used))

    def _put(self, visitor: str, spent: Spent, total: Spent) -> None:
        self._total = total
        self._spent[visitor] = spent
        self._spent.move_to_end(visitor)
        if len(self._spent) > MOST_VISITORS:
            self._spent.popitem(last=False)

    def _begin_day(self) -> None:
        today = int(self._clock() // DAY_SECONDS)
        if today != self._today:
            self._today, self._total = today, Spent()
            self._spent.clear()


@dataclass(frozen=True)
class VisitorMeter:
    """The meter of one visitor."""

    limits: Limits
    visitor: str

    def reserve(self, tokens: int) -> None:
        self.limits.reserve(self.visitor, tokens)

    def settle(self, reserved: int, used: Usage) -> None:
        self.limits.settle(self.visitor, reserved, used)


_AGAIN = ", it is back after midnight UTC"


def _settled(spent: Spent, reserved: int, used: Usage) -> Spent:
    """The request is counted already; a day that began in between has nothing set aside."""
    return Spent(spent.requests, max(0, spent.tokens - reserved + used.tokens))


def _home(address: str) -> str:
    """An address, or the network that one home has in IPv6, where everyone has billions of addresses."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0].strip("[]"))
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
