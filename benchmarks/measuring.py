"""Measure alternatives in turns, so that other load slows all of them alike; medians."""

from __future__ import annotations

import ctypes
import os
import platform
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from ram.cli.options import cores

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


ENOUGH = 60.0
"""Seconds after which no further round is started."""


def in_turns(
    ways: dict[str, Callable[[], Any]],
    rounds: int,
    enough: float = ENOUGH,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Return the median seconds of each alternative; the first round is a warm-up where there is time for more.

    Args:
        ways: name to the function to run.
        rounds: most rounds that count.
        enough: seconds after which no further round is started.
        clock: ``time.process_time`` is less sensitive to other load than the default.
    """
    times: dict[str, list[float]] = {name: [] for name in ways}
    began = clock()
    for _ in range(rounds + 1):
        for name, way in ways.items():
            start = clock()
            way()
            times[name].append(clock() - start)
        if clock() - began > enough:
            break
    return {name: statistics.median(taken[1:] or taken) for name, taken in times.items()}


def added_memory(way: Callable[[], Any]) -> float:
    """Return the bytes by which a call's peak memory exceeds the memory before it.

    Raises:
        ValueError: the system does not report peak memory.
    """
    if not CLEAR.exists():
        raise ValueError("peak memory is read from /proc, which only Linux has: leave the part memory out")
    with suppress(OSError, AttributeError):  # memory freed while building the weights must not hide a peak
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    CLEAR.write_text("5")  # reset the peak
    before = _status("VmRSS")
    way()
    return _status("VmHWM") - before


def straightness(x: list[float], y: list[float]) -> float:
    """Return R squared of the straight line through the points."""
    return statistics.correlation(x, y) ** 2


def machine() -> dict[str, Any]:
    """Describe the machine that the numbers were measured on."""
    model = torch.cpu.get_capabilities().get("cpu_name") if hasattr(torch.cpu, "get_capabilities") else None
    return {
        "processor": model or platform.processor() or platform.machine(),
        "cores": cores(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def _status(field: str) -> float:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(f"{field}:"))
    return float(line.split()[1]) * 1024
