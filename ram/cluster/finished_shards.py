"""Count the parts of a run as they are done, and join those of each shard once all are there."""

from __future__ import annotations

from dataclasses import dataclass, field

from ram.cluster.parquet_results import join_parts, remove_parts, result_file
from ram.cluster.part_tagger import PartDone, TaggingJob
from ram.cluster.work_plan import WorkPlan
from ram.runtime import Progress, quiet


@dataclass
class FinishedShards:
    """Totals over the finished parts of a run; a part that was done twice counts once.

    Args:
        plan: its shards.
        job: what was done.
        progress: called with shards.
    """

    plan: WorkPlan
    job: TaggingJob
    progress: Progress = quiet
    pictures: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._done: dict[str, set[int]] = {}
        self._parts: dict[str, int] = {}
        coming = {shard.name for shard in self.plan.coming}  # asks the disk about every shard
        remove_parts(self.plan.folder, [one.name for one in self.plan.shards if one.name not in coming])
        self._finished = len(self.plan.shards) - len(coming)
        self.progress("tagging shards", self._finished, len(self.plan.shards))

    def add(self, part: PartDone) -> None:
        """Count a part, and write the shard's file where it was the last one that lacked."""
        done = self._done.setdefault(part.shard, set())
        if part.number in done or result_file(self.plan.folder, part.shard).is_file():
            return
        done.add(part.number)
        self.pictures += part.pictures
        self.failures += part.faults
        if part.last:
            self._parts[part.shard] = part.number + 1
        if len(done) == self._parts.get(part.shard):
            join_parts(self.plan.folder, part.shard, len(done), self.job.looks)
            self._finished += 1
            self.progress("tagging shards", self._finished, len(self.plan.shards))
