"""Regions of many triplets, looked at in shards on disk: resumable, by several processes or machines."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ram.errors import InputError
from ram.regions.region import Box
from ram.runtime import Progress, atomic_write, quiet
from ram.tagger import Tagger
from ram.text.files import read_json, write_json
from ram.text.vocabulary import TagVocabulary
from ram.training.data_engine.detectors import Detector, load_detector
from ram.training.data_engine.region_looks import RegionLooks, look_at_regions

PER_SHARD = 200
"""Triplets of a shard: minutes of work are lost at most where a run is stopped."""


@dataclass(frozen=True)
class LookTask:
    """The models and the triplets of a run, which are the same for all its shards.

    Args:
        tagger: the baseline model.
        detector: its name, see :func:`ram.training.data_engine.detectors.load_detector`.
        labels: the label system whose ids the triplets use.
        triplets: with ``image_path`` and ``union_label_id``.
        pictures: folder to which their image paths are relative.
        per_shard: triplets of a shard.
    """

    tagger: Tagger
    detector: str
    labels: TagVocabulary
    triplets: Sequence[dict[str, Any]]
    pictures: Path
    per_shard: int = PER_SHARD

    @property
    def shards(self) -> int:
        """Number of shards."""
        return -(-len(self.triplets) // self.per_shard)

    def part(self, shard: int) -> Sequence[dict[str, Any]]:
        """The triplets of a shard."""
        return self.triplets[shard * self.per_shard : (shard + 1) * self.per_shard]

    def fingerprint(self) -> str:
        """Digest of all that changes what is seen: weights, tags, detector, triplets."""
        digest = hashlib.sha256(json.dumps([self.detector, self.per_shard, *self.labels.tags]).encode())
        for entry in self.triplets:
            digest.update(json.dumps([entry["image_path"], entry["union_label_id"]]).encode())
        for name, weight in self.tagger.model.state_dict().items():
            digest.update(name.encode() + weight.detach().float().cpu().numpy().tobytes())
        return digest.hexdigest()[:16]


def look_in_shards(
    task: LookTask,
    work: Path,
    processes: int = 1,
    part: tuple[int, int] = (1, 1),
    progress: Progress = quiet,
) -> None:
    """Look at the regions of all shards that are not in ``work`` yet.

    Args:
        task: what to look at.
        work: folder of the shards. Several runs may share it: each takes its own part.
        processes: that look at the same time, each with a tagger of its own.
        part: which share of the shards, and of how many: (2, 4) takes every fourth from the second.
        progress: called with what is being done, how much is done, and how much there is.

    Raises:
        InputError: the folder holds shards of other triplets or of another model.
    """
    _claim(work, task)
    number, parts = part
    pending = [shard for shard in range(number - 1, task.shards, parts) if not _file(work, shard).is_file()]
    if processes > 1 and len(pending) > 1:
        done = _in_processes(task, work, pending, min(processes, len(pending)))
        for count, shard in enumerate(done, 1):
            progress(f"{task.tagger.name} looks at regions: shard {shard + 1}", count, len(pending))
        return
    detector = load_detector(task.detector, task.tagger)
    for shard in pending:
        _look(task, detector, work, shard, partial(_of_shard, progress, f"shard {shard + 1} of {task.shards}"))


def read_shards(task: LookTask, work: Path) -> RegionLooks:
    """Join all shards.

    Raises:
        InputError: a shard is missing, no image can be read, or the tagger knows none of their tags.
    """
    missing = sum(not _file(work, shard).is_file() for shard in range(task.shards))
    if missing:
        raise InputError(f"{missing} of {task.shards} shards are missing in {work.name}: run the other parts first")
    parts = [_read(_file(work, shard)) for shard in range(task.shards)]
    if not any(looks.pairs for looks in parts):
        unreadable = [text for looks in parts for text in looks.unreadable]
        reason = f", such as {unreadable[0]}" if unreadable else ""
        raise InputError(f"{task.tagger.name} can judge no tag of the {len(task.triplets)} triplets{reason}")
    return RegionLooks.join(parts)


def _of_shard(progress: Progress, shard: str, what: str, done: int, total: int) -> None:
    progress(f"{what}: {shard}", done, total)


def _claim(work: Path, task: LookTask) -> None:
    """Note in the folder what it is of, or check that it is the same."""
    work.mkdir(parents=True, exist_ok=True)
    note, mine = work / "task.json", {"fingerprint": task.fingerprint(), "shards": task.shards}
    if not note.is_file():
        write_json(note, mine)
    elif read_json(note) != mine:
        raise InputError(f"{work.name} holds the looks of other triplets or of another model: name another folder")


def _look(task: LookTask, detector: Detector, work: Path, shard: int, progress: Progress = quiet) -> None:
    first = shard * task.per_shard
    looks = look_at_regions(
        task.tagger, detector, task.labels, task.part(shard), task.pictures, progress, first
    )
    with atomic_write(_file(work, shard)) as temporary, open(temporary, "wb") as file:
        np.savez(
            file,
            pairs=np.array(looks.pairs, np.int64).reshape(-1, 2),
            features=looks.features.astype(np.float16),
            probabilities=looks.probabilities,
            boxes=np.array(looks.boxes, np.float32).reshape(-1, 4),
            unreadable=np.array(looks.unreadable, np.str_),
        )


def _read(path: Path) -> RegionLooks:
    with np.load(path) as stored:
        return RegionLooks(
            tuple((int(index), int(tag)) for index, tag in stored["pairs"]),
            stored["features"].astype(np.float32),
            stored["probabilities"],
            tuple(stored["unreadable"].tolist()),
            tuple(Box(*box) for box in stored["boxes"].tolist()),
        )


def _file(work: Path, shard: int) -> Path:
    return work / f"looks-{shard:06d}.npz"


_mine: list[tuple[LookTask, Detector, Path]] = []
"""Task, detector and folder of this process of the pool, which :func:`_begin` puts here; empty elsewhere."""


def _begin(task: LookTask, work: Path, threads: int) -> None:
    torch.set_num_threads(threads)
    _mine.append((task, load_detector(task.detector, task.tagger), work))


def _look_here(shard: int) -> int:
    _look(*_mine[0], shard)
    return shard


def _in_processes(task: LookTask, work: Path, pending: Sequence[int], processes: int) -> Iterator[int]:
    threads = max(1, (os.cpu_count() or 1) // processes)
    with ProcessPoolExecutor(processes, get_context("spawn"), _begin, (task, work, threads)) as pool:
        yield from pool.map(_look_here, pending)
