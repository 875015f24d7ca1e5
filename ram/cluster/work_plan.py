"""The shards of a run: which pictures each holds, written once, so that a stopped run goes on with the same ones."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ram.errors import ImageError, InputError
from ram.images.folders import search
from ram.runtime import atomic_write

PLAN = "_plan.jsonl"
PICTURES, WEBDATASET, PARQUET = "pictures", "webdataset", "parquet"
KINDS = {".tar": WEBDATASET, ".parquet": PARQUET}
"""Kind of a file that holds many pictures, by its ending."""


@dataclass(frozen=True)
class WorkShard:
    """Pictures that are tagged together and have one file of results.

    Args:
        name: of its results.
        kind: "pictures", "webdataset" or "parquet".
        paths: of the pictures; of the one file in the other kinds.
    """

    name: str
    kind: str
    paths: tuple[str, ...]

    def to_json(self) -> str:
        """One line of ASCII, also where a path is not UTF-8."""
        return json.dumps({"name": self.name, "kind": self.kind, "paths": self.paths})

    @classmethod
    def from_json(cls, line: str) -> WorkShard:
        values = json.loads(line)
        return cls(values["name"], values["kind"], tuple(values["paths"]))


class WorkPlan:
    """The shards of a folder of results.

    Args:
        folder: of the results, which exists.
        settings: what every result depends on, such as the model.

    Raises:
        InputError: the folder holds results of other settings, or something else.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder = folder
        self._settings = dict(settings)
        self.shards: list[WorkShard] = []
        path = folder / PLAN
        if path.is_file():
            self._read(path)
        elif any(folder.iterdir()):
            raise InputError(f"{folder.name!r} holds other files: name a new folder for the results")

    @property
    def coming(self) -> list[WorkShard]:
        """Shards without results, in order."""
        return [shard for shard in self.shards if not result_file(self.folder, shard.name).is_file()]

    def add(self, sources: Iterable[str], shard_pictures: int) -> list[str]:
        """Add the pictures of these sources that no shard holds yet, and write the plan.

        Args:
            sources: pictures, folders, WebDataset tar files, Parquet files, and patterns of them.
            shard_pictures: pictures of a shard, where they are files of their own.

        Returns:
            Sentences on what was left out.

        Raises:
            InputError: a source holds no pictures.
        """
        results = Path(os.path.abspath(self.folder))  # which may lie in a source
        known = {path for shard in self.shards for path in shard.paths}
        pictures: dict[str, None] = {}
        files: dict[str, str] = {}
        notices: list[str] = []
        for source in sources:
            found_files = (path for path in _files_of_many(source) if results not in Path(path).parents)
            held = {path: KINDS[Path(path).suffix.lower()] for path in found_files}
            if missing := [path for path in held if not os.path.isfile(path)]:
                raise InputError(f"there is no file {missing[0]!r}: check the path")
            files |= held
            if held and not os.path.isdir(source):
                continue
            try:
                found = search(source)
            except ImageError:
                if not held:
                    raise
                continue
            notices += [f"{source}: {folder.name} cannot be listed: {reason}" for folder, reason in found.unreadable]
            pictures.update(dict.fromkeys(os.path.abspath(path) for path in found.images))
        new = [path for path in pictures if path not in known]
        groups = [(PICTURES, tuple(new[i : i + shard_pictures])) for i in range(0, len(new), shard_pictures)]
        groups += [(kind, (path,)) for path, kind in files.items() if path not in known]
        first = len(self.shards)
        self.shards += [WorkShard(f"{first + i:06}", *group) for i, group in enumerate(groups)]
        if groups:
            self._write()
        return notices

    def _read(self, path: Path) -> None:
        try:
            settings, *lines = path.read_text(encoding="utf-8").splitlines()
            found = json.loads(settings)
            self.shards = [WorkShard.from_json(line) for line in lines]
        except (ValueError, KeyError, TypeError):
            raise InputError(f"{PLAN} in {self.folder.name!r} is broken: name a new folder for the results") from None
        wanted = json.loads(json.dumps(self._settings))
        if differing := sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name)):
            raise InputError(
                f"{self.folder.name!r} holds results with another {', '.join(differing)}: name a new folder, or give "
                "the same flags"
            )

    def _write(self) -> None:
        with atomic_write(self.folder / PLAN, sync=True) as temporary, open(temporary, "w", encoding="utf-8") as file:
            file.write(json.dumps(self._settings) + "\n")
            file.writelines(f"{shard.to_json()}\n" for shard in self.shards)


def result_file(folder: Path, shard: str) -> Path:
    """The file of a shard's results, which exists where all its pictures are done."""
    return folder / f"{shard}.parquet"


def _files_of_many(source: str) -> Sequence[str]:
    """Absolute paths of the tar and Parquet files that a source names, sorted."""
    return sorted({os.path.abspath(path) for path in _named(source) if Path(path).suffix.lower() in KINDS})


def _named(source: str) -> Iterator[str]:
    from ram.training.data.shards import expand_braces

    if os.path.isdir(source):
        for folder, folders, names in os.walk(source):
            folders[:] = [name for name in folders if not name.startswith((".", "_"))]
            yield from (os.path.join(folder, name) for name in names if not name.startswith((".", "_")))
        return
    import glob

    for pattern in expand_braces(source):
        yield from glob.glob(pattern) if glob.has_magic(pattern) and not os.path.exists(pattern) else [pattern]
