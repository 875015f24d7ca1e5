"""Run the shards on a Ray cluster: pictures are decoded by tasks on CPUs and stream into actors that hold the model."""

from __future__ import annotations

import importlib
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import torch

from ram.cluster.local_engine import prepared
from ram.cluster.parquet_package import parquet_package
from ram.cluster.part_tagger import PartDone, PartTagger, TaggingJob
from ram.cluster.picture_parts import DecodedPart, packed_parts, pixels_from_buffer, pixels_to_bytes
from ram.cluster.work_plan import WorkShard
from ram.errors import InputError, MissingPackageError, RamError
from ram.images.transforms import EvalTransform

OBJECT_STORE = 500_000_000
"""Bytes of shared memory of a cluster that is started here; decoded parts wait in it."""
SMALL_BLOCK = 1
"""Largest block in bytes: every part is a block of its own, and reaches a model as soon as it is decoded."""


def ray_package() -> Any:
    """Return ``ray`` with its module ``data``.

    Raises:
        MissingPackageError: it is not installed.
    """
    try:
        importlib.import_module("ray.data")
        return importlib.import_module("ray")
    except ImportError:
        raise MissingPackageError("--engine ray needs Ray: pip install -e '.[ray]'") from None


@contextmanager
def ray_cluster(address: str | None = None, cpus: int | None = None) -> Iterator[Any]:
    """Join a cluster, or start one on this machine that ends with the block and listens on the loopback alone.

    Nothing is reported to Ray's makers, and there is no dashboard.

    Args:
        address: of a running cluster, such as "auto" or "10.0.0.1:6379"; None starts one.
        cpus: of a cluster that is started; those of the machine where None.

    Raises:
        MissingPackageError: Ray is not installed.
        InputError: there is no cluster at the address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read when a cluster starts
    os.environ.setdefault("RAY_DATA_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("RAY_DATA_LOG_LEVEL", "ERROR")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    if not address:  # else Ray takes the address in the network even of a single machine; read at import
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    ray = ray_package()
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if not address:
        options |= {"include_dashboard": False, "object_store_memory": OBJECT_STORE}
        options |= {"num_cpus": cpus, "_node_ip_address": "127.0.0.1"}
    try:
        ray.init(address or "local", **options)
    except (ConnectionError, ValueError) as error:
        where = f"at {address!r}" if address else "on this machine"
        raise InputError(f"there is no Ray cluster {where} ({str(error).splitlines()[0]}): check --cluster") from None
    try:
        yield ray
    finally:
        ray.shutdown()


def run_on_ray(
    ray: Any, shards: list[WorkShard], job: TaggingJob, transform: EvalTransform, workers: int | None = None
) -> Iterator[PartDone]:
    """Tag the parts that have no results; yield all, in any order and some of them twice where a worker died.

    Args:
        ray: of :func:`ray_cluster`.
        shards: without results, on a disk that all machines see.
        job: what to do.
        transform: of the model.
        workers: actors that hold the model; None for one a GPU of the cluster, or one a core but for one that decodes.

    Raises:
        RamError, OSError: of a worker.
    """
    found = ray.cluster_resources()
    gpus, cores = int(found.get("GPU", 0)), int(found.get("CPU", 1))
    count = workers or gpus or max(1, cores - 1)
    work = ray.data.from_items([{"shard": shard.to_json()} for shard in shards], override_num_blocks=len(shards))
    work.context.target_max_block_size = SMALL_BLOCK
    options: dict[str, Any] = {"batch_size": 1, "batch_format": "pyarrow"}
    decoded = work.map_batches(_Decoding(job, transform), num_cpus=1 if gpus else 0.5, **options)
    done = decoded.map_batches(
        _Tagging,
        fn_constructor_args=(job, transform.size),
        compute=ray.data.ActorPoolStrategy(size=count),
        **({"num_gpus": gpus / max(count, gpus)} if gpus else {"num_cpus": min(1, (cores - 0.5) / count)}),
        **options,
    )
    try:
        for batch in done.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
            for text in batch["done"].to_pylist():
                yield _part_done(json.loads(text))
    except ray.exceptions.RayError as error:
        cause = _cause(error)
        raise cause from None


class _Decoding:
    """Decodes a shard, part by part, in a task."""

    def __init__(self, job: TaggingJob, transform: EvalTransform) -> None:
        self.job = job
        self.transform = transform

    def __call__(self, table: Any) -> Iterator[Any]:
        torch.set_num_threads(1)  # of this task's process
        for line in table["shard"].to_pylist():
            for packed in packed_parts(WorkShard.from_json(line), self.job.part):
                yield _table(prepared(packed, self.job, self.transform))


class _Tagging:
    """An actor that holds the model."""

    def __init__(self, job: TaggingJob, size: int) -> None:
        torch.set_num_threads(1)  # of this actor's process
        self._tag = PartTagger(job)
        self._size = size

    def __call__(self, table: Any) -> Any:
        lines = []
        for text, pixels in zip(table["part"].to_pylist(), table["pixels"], strict=True):
            head = json.loads(text)
            if "names" not in head:  # has its results
                lines.append(text)
                continue
            names, faults = tuple(head.pop("names")), tuple(head.pop("faults"))
            decoded = pixels_from_buffer(pixels.as_buffer(), self._size)
            lines.append(json.dumps(asdict(self._tag(DecodedPart(**head, names=names, faults=faults, pixels=decoded)))))
        return parquet_package().table({"done": lines})


def _table(part: DecodedPart | PartDone) -> Any:
    """A part as a row: what it is as JSON, and its pixels as bytes."""
    arrow = parquet_package()
    if isinstance(part, PartDone):
        head, pixels = asdict(part), b""
    else:
        head = {"shard": part.shard, "number": part.number, "last": part.last, "names": part.names}
        head["faults"], pixels = part.faults, pixels_to_bytes(part.pixels)
    return arrow.table({"part": [json.dumps(head)], "pixels": arrow.array([pixels], arrow.large_binary())})


def _part_done(values: dict[str, Any]) -> PartDone:
    faults = tuple((name, reason) for name, reason in values.pop("faults"))
    return PartDone(**values, faults=faults)


def _cause(error: BaseException) -> BaseException:
    """The error that a worker raised, or one sentence on what happened to the cluster."""
    found: BaseException | None = error
    while found is not None:
        cause = getattr(found, "cause", None)
        if isinstance(cause, (RamError, OSError)):
            return cause
        found = cause if isinstance(cause, BaseException) else found.__cause__
    return RamError(f"the Ray cluster failed ({str(error).splitlines()[-1]}): run the same command again to go on")
