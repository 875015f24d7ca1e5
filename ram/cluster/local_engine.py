"""Run the shards in this process, one after the other; pictures are decoded ahead of the model in threads."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from ram.cluster.part_tagger import PartDone, PartTagger, TaggingJob
from ram.cluster.picture_parts import DecodedPart, PackedPart, decode, packed_parts
from ram.cluster.work_plan import WorkShard
from ram.images.reading import read_ahead
from ram.images.transforms import EvalTransform
from ram.tagger import Tagger


def run_here(shards: list[WorkShard], job: TaggingJob, tagger: Tagger) -> Iterator[PartDone]:
    """Tag the parts that have no results; yield all.

    Args:
        shards: without results.
        job: what to do.
        tagger: the model of the job, loaded.
    """
    tag, transform = PartTagger(job, tagger), tagger.transform
    packed = chain.from_iterable(packed_parts(shard, job.part) for shard in shards)
    for part in read_ahead(lambda part: prepared(part, job, transform), packed):
        yield part if isinstance(part, PartDone) else tag(part)


def prepared(part: PackedPart, job: TaggingJob, transform: EvalTransform) -> DecodedPart | PartDone:
    """Decode a part, except where it has its results."""
    if job.is_done(part.shard, part.number):
        return PartDone(part.shard, part.number, part.last, len(part.pictures))
    return decode(part, transform, job.limits)
