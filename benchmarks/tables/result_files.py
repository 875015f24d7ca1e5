"""Files of our own figures, ``benchmarks/results/NAME.json``: what a command measured, by row and figure.

The form is ``{"command": ..., "about": ..., "rows": {ROW: {FIGURE: VALUE}}}``, and what a program adds. A value is a
number, a list of numbers (one a seed), or ``{"mean": ..., "sd": ..., "seeds": ...}`` where the single ones were not
kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from ram.errors import InputError
from ram.runtime import atomic_write

RESULTS = Path(__file__).parents[1] / "results"
Value = float | Sequence[float] | Mapping[str, float]


@dataclass(frozen=True)
class Measured:
    """A figure of ours.

    Args:
        mean: over the seeds.
        sd: standard deviation over the seeds; None of a single one.
        seeds: how many.
    """

    mean: float
    sd: float | None = None
    seeds: int = 1

    @classmethod
    def of(cls, value: Value) -> Measured:
        """Read a value of a result file."""
        if isinstance(value, Mapping):
            return cls(value["mean"], value.get("sd"), int(value.get("seeds", 1)))
        if isinstance(value, Sequence):
            return cls(mean(value), stdev(value) if len(value) > 1 else None, len(value))
        return cls(value)

    def text(self, digits: int = 1) -> str:
        """Such as "31.6 ± 0.2"."""
        spread = "" if self.sd is None else f" ± {self.sd:.{digits}f}"
        return f"{self.mean:,.{digits}f}{spread}"


@dataclass(frozen=True)
class ResultFile:
    """Figures that a command measured.

    Args:
        command: that made it.
        about: on what, and when.
        rows: figures of each row, by name.
        more: everything else that the file says, such as the machine.
    """

    command: str
    about: str
    rows: Mapping[str, Mapping[str, Value]] = field(repr=False)
    more: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def figure(self, row: str, name: str) -> Measured | None:
        """One figure; None where it was not measured."""
        value = self.rows.get(row, {}).get(name)
        return None if value is None else Measured.of(value)


def read_results(name: str, folder: Path = RESULTS) -> ResultFile | None:
    """Read a result file; None where there is none.

    Raises:
        InputError: it is malformed.
    """
    path = folder / f"{name}.json"
    if not path.is_file():
        return None
    try:
        entry: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        more = {name: value for name, value in entry.items() if name not in ("command", "about", "rows")}
        return ResultFile(entry["command"], entry["about"], entry["rows"], more)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path.name} is not a file of results ({error}): make it again") from None


def write_results(
    name: str,
    command: str,
    about: str,
    rows: Mapping[str, Mapping[str, Any]],
    folder: Path = RESULTS,
    more: Mapping[str, Any] | None = None,
) -> Path:
    """Write a result file, one row a line, and return its path; numbers are rounded to six digits.

    Args:
        name: of the file, without its ending.
        command: that measured the figures.
        about: on what.
        rows: figures of each row, by name.
        folder: of the file.
        more: what else the file says, by name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"  {json.dumps(row)}: {json.dumps(_rounded(figures))}" for row, figures in rows.items()]
    said = {"command": command, "about": about, **_rounded(more or {})}
    head = "{\n" + "".join(f" {json.dumps(key)}: {json.dumps(value)},\n" for key, value in said.items())
    head += ' "rows": {\n'
    with atomic_write(folder / f"{name}.json") as temporary:
        temporary.write_text(head + ",\n".join(lines) + "\n }\n}\n", encoding="utf-8")
    return folder / f"{name}.json"


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(one) for one in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
