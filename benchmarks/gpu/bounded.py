"""One measurement within its limits of time and memory: a result, or the sentence why there is none."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

import torch

from ram.errors import InputError

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """Result of a measurement.

    Args:
        what: name of the measurement.
        reference, ours: median seconds of what is compared; None where there is nothing.
        value: what the goal is about.
        unit: of ``value``.
        goal: what ``value`` should reach, if anything.
        holds: whether it does; None without a goal.
        memory: largest memory allocated in one call of ours, in GB; None on a CPU.
        note: further figures.
        points: seconds by number of categories, of a curve.
        skipped: why there is no result.
        failed: there is none because of an error.
    """

    what: str
    reference: float | None = None
    ours: float | None = None
    value: float | None = None
    unit: str = ""
    goal: str = ""
    holds: bool | None = None
    memory: float | None = None
    note: str = ""
    points: Mapping[int, float] = field(default_factory=dict)
    skipped: str = ""
    failed: bool = False


@dataclass(frozen=True)
class Measurement:
    """A measurement that has not been made.

    Args:
        what: its name.
        least: seconds it takes at the least; it is not begun when fewer are left.
        limit: seconds after which it is broken off.
        measure: makes it.
    """

    what: str
    least: float
    limit: float
    measure: Callable[[], Result]


class OutOfTime(BaseException):
    """A measurement has reached its limit. No ``Exception``: compilers turn those into errors of their own."""


def attempt(measurement: Measurement, left: float) -> Result:
    """Make a measurement in at most ``left`` seconds.

    Too little time or memory, or an error, gives a result without values that says so.
    """
    what, limit = measurement.what, min(measurement.limit, left)
    if left < measurement.least:
        return Result(what, skipped=f"not begun: {max(left, 0):.0f} s are left, it needs {measurement.least:.0f} s")
    try:
        with time_limit(limit):
            return measurement.measure()
    except OutOfTime:
        return Result(what, skipped=f"broken off after {limit:.0f} s")
    except torch.OutOfMemoryError:
        return Result(what, skipped="the memory of the card is too small")
    except InputError as error:
        return Result(what, skipped=str(error))
    except Exception as error:  # the other measurements are still worth making
        _log.exception("%s", what)
        lines = str(error).strip().splitlines()
        return Result(what, skipped=f"failed: {type(error).__name__}: {lines[0][:200] if lines else ''}", failed=True)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise :class:`OutOfTime` in the block after so many seconds, in the main thread of a system with alarms."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def expire(number: int, frame: FrameType | None) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001), 1.0)  # again where something swallows the exception
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
