"""Files of the data engine: the figures of each run, a line a run, and the results of all methods."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tables.recorded_commands import joined_commands
from benchmarks.tables.result_files import read_results, write_results
from ram.errors import InputError

STAGES = ("parsing", "generation", "cleaning", "fine-tuning")
MODELS = {"RAM": "ram-lite", "RAM++": "ram-plus-lite"}
"""Method to the shipped model whose bank has the sentences of its tags."""


@dataclass(frozen=True)
class KeptRuns:
    """Runs on disk, one a line: method, seed, settings, and the figures of each stage.

    Args:
        file: a ``.jsonl`` file.
    """

    file: Path

    def find(self, method: str, seed: int, settings: str) -> dict[str, dict[str, float]] | None:
        """The figures of a run; None where there is none with these settings."""
        lines = self.file.read_text(encoding="utf-8").splitlines() if self.file.is_file() else []
        for entry in map(json.loads, lines):
            if (entry["method"], entry["seed"], entry["settings"]) == (method, seed, settings):
                stages: dict[str, dict[str, float]] = entry["stages"]
                return stages
        return None

    def add(self, method: str, seed: int, settings: str, stages: Mapping[str, Mapping[str, float]]) -> None:
        """Write a run."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with open(self.file, "a", encoding="utf-8") as file:
            entry = {"method": method, "seed": seed, "settings": settings, "stages": stages}
            file.write(json.dumps(entry) + "\n")


def write_engine(
    measured: Mapping[str, Mapping[str, Sequence[float]]],
    about: str,
    command: str,
    not_run: Sequence[str],
    output: Path,
) -> Path:
    """Write the rows of a command, and keep those of the file that it did not measure where the settings are the same.

    Args:
        measured: figures of "METHOD, STAGE", one value a seed.
        about: the settings, with which the file's begin.
        command: that measured the rows.
        not_run: runs for which there was no time.
        output: folder of the file.
    """
    before = read_results("data_engine", output)
    same = before is not None and before.about.startswith(about)
    kept = {row: figures for row, figures in before.rows.items() if row not in measured} if before and same else {}
    if before is not None and kept:
        command = joined_commands(before.command, command)
    order = [f"{method}, {stage}" for method in MODELS for stage in STAGES]
    rows = {row: found for row in order if (found := measured.get(row, kept.get(row))) is not None}
    said = f"{about} No time for {', '.join(not_run)}: the same command goes on." if not_run else about
    return write_results("data_engine", command, said, rows, output, {"not_run": list(not_run)})


def check_settings(about: str, methods: Sequence[str], output: Path) -> None:
    """Refuse to mix rows of different settings in one file.

    Raises:
        InputError: the file holds another method with other settings.
    """
    before = read_results("data_engine", output)
    if before is None or before.about.startswith(about):
        return
    others = sorted({row.partition(", ")[0] for row in before.rows} - set(methods))
    if others:
        raise InputError(
            f"data_engine.json holds {' and '.join(others)} with other settings ({before.about}): give the same "
            "options, measure all methods, or name another --output"
        )
