"""The result file of a comparison of taggers: written after each method, so that a stopped run goes on.

The form is that of ``benchmarks/tables/result_files.py``, with rows "METHOD, PART", and beside them the date, the
machine, the versions of packages, the parts with their numbers of photos, notes, and what was not run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.tables.result_files import read_results, write_results
from ram.errors import InputError

PACKAGES = ("ram", "torch", "timm", "numpy", "pillow", "transformers", "open_clip_torch")
SAME = ("processor", "cores", "threads", "torch", "python")
"""Fields of the machine that one run has in common."""


@dataclass(frozen=True)
class Comparison:
    """Figures of the methods that a run has measured so far.

    Args:
        parts: name of each part to its numbers of photos, tags, positives and hard negatives.
        machine: on which all methods ran.
        versions: package to version.
        date: of the run, as 2026-01-31.
        rows: "METHOD, PART" to figures: fractions in 0..1, counts and times a photo.
        notes: method to a remark about it.
        not_run: method, or "METHOD, PART", to the sentence that says why there are no figures.
    """

    parts: Mapping[str, Mapping[str, Any]]
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    date: str
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods with figures, in order."""
        return tuple(dict.fromkeys(row.rpartition(", ")[0] for row in self.rows))


def write_comparison(found: Comparison, path: Path, command: str, about: str) -> Path:
    """Write the file, one row a line."""
    more = {name: value for name, value in asdict(found).items() if name != "rows"}
    return write_results(path.stem, command, about, found.rows, path.parent, more)


def read_comparison(path: Path) -> Comparison:
    """Read the file.

    Raises:
        InputError: there is none, or it has another form.
    """
    found = read_results(path.stem, path.parent)
    if found is None:
        raise InputError(f"there is no {path.name}: python -m benchmarks.taggers --output {path.name}")
    try:
        return Comparison(rows={name: dict(row) for name, row in found.rows.items()}, **found.more)
    except TypeError as error:
        raise InputError(f"{path.name} is not a comparison of taggers ({error}): make it again") from None


def check_same_run(before: Comparison, now: Comparison, path: Path) -> None:
    """Refuse to go on with a run on another machine, or about other photos.

    Raises:
        InputError: the runs differ; the message says in what.
    """
    differing = [name for name in SAME if before.machine.get(name) != now.machine.get(name)]
    differing += [name for name in ("parts", "versions") if getattr(before, name) != getattr(now, name)]
    if differing:
        raise InputError(f"{path.name} is of another run ({', '.join(differing)} differ): run it without --resume")


def package_versions() -> dict[str, str]:
    """Versions of the packages that scores and times depend on, where they are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
