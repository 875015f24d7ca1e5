"""The device that is measured: a clock that waits for it, medians, peak memory, and its names and versions."""

from __future__ import annotations

import gc
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.measuring import in_turns, machine

WARM_UP = 2
"""Calls before the rounds of a median, the first of which does not count either."""


@dataclass(frozen=True)
class Card:
    """A CUDA card, or the CPU where the command is only tried."""

    device: torch.device

    @property
    def is_gpu(self) -> bool:
        """Whether it is a CUDA card."""
        return self.device.type == "cuda"

    def clock(self) -> float:
        """Return the time in seconds when all work given to the card is done."""
        if self.is_gpu:
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def medians(self, ways: Mapping[str, Callable[[], Any]], rounds: int, seconds: float) -> dict[str, float]:
        """Return the median seconds of each alternative, measured in turns after a warm-up."""
        for _ in range(WARM_UP):
            for way in ways.values():
                way()
        return in_turns(dict(ways), rounds, seconds, self.clock)

    def peak(self, way: Callable[[], Any]) -> float | None:
        """Return the largest memory in GB that is allocated during a call, weights included; None on a CPU."""
        if not self.is_gpu:
            return None
        torch.cuda.reset_peak_memory_stats(self.device)
        way()
        torch.cuda.synchronize(self.device)
        return torch.cuda.max_memory_allocated(self.device) / 1e9

    def release(self) -> None:
        """Free what earlier measurements left, compiled networks and their CUDA graphs included."""
        torch.compiler.reset()
        gc.collect()
        if self.is_gpu:
            torch.cuda.empty_cache()

    def describe(self) -> dict[str, Any]:
        """Describe the machine with its card and the versions of driver, CUDA and PyTorch."""
        memory = torch.cuda.get_device_properties(self.device).total_memory / 1e9 if self.is_gpu else None
        return {
            **machine(),
            "gpu_memory_gb": None if memory is None else round(memory, 1),
            "driver": _driver() if self.is_gpu else None,
            "cuda": torch.version.cuda,
        }


def _driver() -> str | None:
    """Return the version of NVIDIA's driver; None where its tool does not tell."""
    if not (tool := shutil.which("nvidia-smi")):
        return None
    command = [tool, "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        lines = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.split()
    except (OSError, subprocess.SubprocessError):
        return None
    return lines[0] if lines else None
