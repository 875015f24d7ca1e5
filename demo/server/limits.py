"""Daily budgets for the language model, for each visitor and for all, in requests and in tokens.

Everything is kept in memory: a restart begins a new day.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from demo.core.texts import say, sentence
from ram.describers.usage import Usage
from ram.errors import DescriberError

DAY_SECONDS = 86_400
MAX_VISITORS = 10_000
"""Visitors remembered within a day; past that the one seen longest ago is forgotten."""


@dataclass(frozen=True)
class Spent:
    """Requests and tokens of today."""

    requests: int = 0
    tokens: int = 0


class LimitReached(DescriberError):
    """Today's requests or tokens are used up."""


@dataclass(frozen=True)
class Budget:
    """Limits for one day (UTC).

    Args:
        requests: to the language model; None for no limit.
        tokens: of questions and answers together; None for no limit.

    Raises:
        ValueError: a negative limit.
    """

    requests: int | None = None
    tokens: int | None = None

    def __post_init__(self) -> None:
        if any(limit is not None and limit < 0 for limit in (self.requests, self.tokens)):
            raise ValueError(f"{self} has a negative limit: give 0 or more, or None for no limit")

    def allows(self, spent: Spent) -> bool:
        """Whether this total stays within the limits."""
        pairs = ((spent.requests, self.requests), (spent.tokens, self.tokens))
        return all(limit is None or used <= limit for used, limit in pairs)

    def share(self, spent: Spent) -> float:
        """Fraction that is spent, 0..1, the larger one of requests and tokens."""
        pairs = ((spent.requests, self.requests), (spent.tokens, self.tokens))
        return max(min(1.0, used / limit if limit else 1.0) if limit is not None else 0.0 for used, limit in pairs)


VISITOR_BUDGET = Budget(500, 100_000)
"""About 25 categories from a server that gives ten answers to a request, ten from one that gives one."""
DAY_BUDGET = Budget(10_000, 2_000_000)


@dataclass(frozen=True)
class Standing:
    """Requests and tokens spent today by a visitor and by all visitors, with their budgets."""

    visitor: Spent
    visitor_budget: Budget
    day: Spent
    day_budget: Budget


class Limits:
    """Budgets and what has been spent of them today; thread-safe.

    Args:
        visitor: budget of one visitor for a day.
        day: budget of all visitors together.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        visitor: Budget = VISITOR_BUDGET,
        day: Budget = DAY_BUDGET,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.visitor_budget = visitor
        self.day_budget = day
        self._clock = clock
        self._lock = threading.Lock()
        self._today = 0
        self._total = Spent()
        self._spent: OrderedDict[str, Spent] = OrderedDict()

    def meter(self, visitor: str) -> VisitorMeter:
        """Meter for the requests that a describer makes for this visitor."""
        return VisitorMeter(self, visitor)

    def standing(self, visitor: str) -> Standing:
        """Return the requests and tokens spent today by this visitor and by all."""
        with self._lock:
            self._begin_day()
            return Standing(self._spent.get(visitor, Spent()), self.visitor_budget, self._total, self.day_budget)

    def reserve(self, visitor: str, tokens: int) -> None:
        """Reserve one request and a number of tokens.

        Raises:
            LimitReached: the visitor's budget or the one of all visitors is not large enough.
        """
        with self._lock:
            self._begin_day()
            spent, total = self._spent.get(visitor, Spent()), self._total
            after = Spent(spent.requests + 1, spent.tokens + tokens)
            in_all = Spent(total.requests + 1, total.tokens + tokens)
            if not self.visitor_budget.allows(after):
                raise LimitReached(sentence(say("from_limit_visitor")))
            if not self.day_budget.allows(in_all):
                raise LimitReached(sentence(say("from_limit_all")))
            self._put(visitor, after, in_all)

    def settle(self, visitor: str, reserved: int, used: Usage) -> None:
        """Replace what was reserved for a request by what it has used."""
        with self._lock:
            self._begin_day()
            spent = self._spent.get(visitor, Spent())
            self._put(visitor, _settled(spent, reserved, used), _settled(self._total, reserved, used))

    def _put(self, visitor: str, spent: Spent, total: Spent) -> None:
        self._total = total
        self._spent[visitor] = spent
        self._spent.move_to_end(visitor)
        if len(self._spent) > MAX_VISITORS:
            self._spent.popitem(last=False)

    def _begin_day(self) -> None:
        today = int(self._clock() // DAY_SECONDS)
        if today != self._today:
            self._today, self._total = today, Spent()
            self._spent.clear()


@dataclass(frozen=True)
class VisitorMeter:
    """Meter of one visitor."""

    limits: Limits
    visitor: str

    def reserve(self, tokens: int) -> None:
        self.limits.reserve(self.visitor, tokens)

    def settle(self, reserved: int, used: Usage) -> None:
        self.limits.settle(self.visitor, reserved, used)


def _settled(spent: Spent, reserved: int, used: Usage) -> Spent:
    """The request is counted already; if a new day has begun since, nothing is reserved."""
    return Spent(spent.requests, max(0, spent.tokens - reserved + used.tokens))
