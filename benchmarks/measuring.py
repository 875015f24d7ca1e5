"""Measuring two ways of doing the same: in turns, so that what else the machine does slows both; medians."""

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
"""Seconds after which a measurement takes no further round."""


def in_turns(
    ways: dict[str, Callable[[], Any]],
    rounds: int,
    enough: float = ENOUGH,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Median seconds of each way; a first round counts only where there is no time for another.

    Args:
        ways: name to what is run.
        rounds: that count, at most.
        enough: seconds after which no further round begins.
        clock: what is measured by; ``time.process_time`` is not disturbed where other programs want the processor.
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
    """Bytes by which a call's peak is above what the process held before.

    Raises:
        ValueError: this system does not tell.
    """
    if not CLEAR.exists():
        raise ValueError("peak memory is read from /proc, which only Linux has: leave the part memory out")
    with suppress(OSError, AttributeError):  # what was freed while the weights were made must not hide a peak
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    CLEAR.write_text("5")  # the peak begins anew
    before = _status("VmRSS")
    way()
    return _status("VmHWM") - before


def straightness(x: list[float], y: list[float]) -> float:
    """R squared of the straight line through points."""
    return statistics.correlation(x, y) ** 2


def machine() -> dict[str, Any]:
    """Where the numbers come from."""
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
