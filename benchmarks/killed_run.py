"""A folder whose tagging is killed several times, compared with one that was tagged in one run.

    python -m benchmarks.killed_run PHOTOS [--photos 10000] [--kills 3] [--model ram-plus-lite]

The photos below PHOTOS, repeated under other names until there are enough, are linked into two folders. `ram tag`
writes sidecars and a CSV file for both. One run is left alone; the other is killed (SIGKILL) when a share of the rows
is written, and started again. Sidecars and rows, in their order, must be equal to the byte but for the folder's name.
"""

from __future__ import annotations

import argparse
import csv
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

from ram.errors import InputError
from ram.images.folders import find_images

LOOK_SECONDS = 0.2
"""Time between two looks at how far a run is."""


def linked(folder: Path, photos: list[Path], count: int) -> None:
    """Fill a folder with links to photos, repeated until there are so many."""
    folder.mkdir()
    for number, photo in enumerate(islice(cycle(photos), count)):
        os.symlink(photo.resolve(), folder / f"{number:06}{photo.suffix.lower()}")


def tag(folder: Path, model: str, stop_after: int | None = None) -> float:
    """Run `ram tag` on a folder, kill it when so many rows are written, and return the seconds that it took.

    Raises:
        InputError: it fails, or ends before it could be killed.
    """
    output = folder.parent / f"{folder.name}.csv"
    written = ["--sidecars", "--output", str(output)]
    command = [sys.executable, "-m", "ram.cli", "tag", str(folder), "--model", model, *written]
    start = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        run = subprocess.Popen(command, stdout=said, stderr=said)
        while run.poll() is None:
            time.sleep(LOOK_SECONDS)
            if stop_after is not None and rows(output) >= stop_after:
                run.send_signal(signal.SIGKILL)
                run.wait()
        said.seek(0)
        last = said.read().decode("utf-8", "replace").strip().splitlines()[-1:]
    if run.returncode != (0 if stop_after is None else -signal.SIGKILL):
        raise InputError(f"`ram tag` ended with status {run.returncode}: {' '.join(last)}")
    return time.perf_counter() - start


def rows(output: Path) -> int:
    """Lines of a file of results; 0 where there is none yet."""
    return output.read_bytes().count(b"\n") if output.exists() else 0


def differences(one: Path, other: Path) -> Iterator[str]:
    """Yield the names of sidecars, and the rows of results, that differ between two folders of linked photos."""
    sidecars = [{path.name: path.read_bytes() for path in folder.glob("*.xmp")} for folder in (one, other)]
    for name in sorted(sidecars[0].keys() | sidecars[1].keys()):
        if sidecars[0].get(name) != sidecars[1].get(name):
            yield name
    results = [_results(folder) for folder in (one, other)]
    if len(results[0]) != len(results[1]):
        yield f"{len(results[0])} and {len(results[1])} rows"
        return
    for first, second in zip(*results, strict=True):
        if first != second:
            yield f"{', '.join(first)} and {', '.join(second)}"


def _results(folder: Path) -> list[list[str]]:
    """Rows of a folder, without its name."""
    with (folder.parent / f"{folder.name}.csv").open(encoding="utf-8", newline="") as table:
        return [[os.path.basename(path), *cells] for path, *cells in csv.reader(table)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, metavar="PHOTOS", help="a folder")
    parser.add_argument("--photos", type=int, default=10_000, metavar="N", help="in each folder")
    parser.add_argument("--kills", type=int, default=3, metavar="N")
    parser.add_argument("--model", default="ram-plus-lite")
    args = parser.parse_args()
    photos = find_images([args.pictures])
    with tempfile.TemporaryDirectory() as place:
        whole, killed = Path(place, "whole"), Path(place, "killed")
        for folder in (whole, killed):
            linked(folder, photos, args.photos)
        print(f"one run: {tag(whole, args.model):.0f} s for {args.photos} photos", flush=True)
        total = rows(whole.parent / "whole.csv")
        for kill in range(1, args.kills + 1):
            seconds = tag(killed, args.model, kill * total // (args.kills + 1))
            print(f"killed after {rows(killed.parent / 'killed.csv')} rows, {seconds:.0f} s", flush=True)
        print(f"the last run: {tag(killed, args.model):.0f} s")
        different = list(differences(whole, killed))
        sidecars = len(list(whole.glob("*.xmp")))
        print(f"{sidecars} sidecars, {total} rows: {len(different) or 'no'} differences", *different[:10], sep="\n")
    sys.exit(bool(different))


if __name__ == "__main__":
    main()
