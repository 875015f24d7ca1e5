"""``ram tag --engine``: tag pictures by the million, on this machine or on a Ray cluster; results as Parquet."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ram.cli.options import image_limits, open_tagger, positive
from ram.cli.scored_tags import at_threshold, scored_bank
from ram.cli.terminal import Progress, printable, say
from ram.errors import InputError

if TYPE_CHECKING:
    from ram.tagger import Tagger
    from ram.text.bank import TagEmbeddingBank

ENGINES = ("local", "ray")
SHARD = 1000
"""Pictures of a shard where no number is given."""
_WITHOUT = (
    "json", "overwrite", "excel", "unreadable", "txt", "sidecars", "embed", "dry_run", "watch", "lean", "translations",
    "language", "shortlist", "compile",
)  # fmt: skip
"""Flags of `ram tag` that an engine does not have."""
_MOST_NAMED = 20


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        help="tag by the million: pictures, WebDataset .tar or .parquet files are cut into shards, and --output is a "
        "folder of Parquet files; ray spreads the work over a cluster, local runs it in this process. The same command "
        "goes on after a stop",
    )
    parser.add_argument("--looks", action="store_true", help="with --engine: keep the looks, for further categories")
    parser.add_argument(
        "--shard", type=positive, metavar="N", help=f"with --engine: pictures of a shard ({SHARD})"
    )
    parser.add_argument(
        "--workers",
        type=positive,
        metavar="N",
        help="with --engine ray: copies of the model (one a GPU, or one a core but for one)",
    )
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="with --engine ray: a running cluster, such as auto or 10.0.0.1:6379; otherwise one is started on this "
        "machine",
    )


def run_engine(args: argparse.Namespace, typed: tuple[str, ...]) -> int:
    """Tag with an engine.

    Raises:
        InputError: flags do not go together, or the folder of results is another run's.
    """
    from ram.cluster.finished_shards import FinishedShards
    from ram.cluster.parquet_package import parquet_package
    from ram.cluster.work_plan import WorkPlan
    from ram.library.folder_lock import locked_alone

    _check(args)
    parquet_package()
    with ExitStack() as stack:
        ray = _cluster(args, stack)
        tagger = open_tagger(args, args.model)
        bank, typed = scored_bank(tagger, typed, args)
        bank = at_threshold(bank, args.threshold)
        args.output.mkdir(parents=True, exist_ok=True)
        stack.enter_context(locked_alone(args.output))
        plan = WorkPlan(args.output, _settings(args, tagger, bank))
        for notice in plan.add(args.pictures, args.shard or SHARD):
            say(printable(notice))
        coming = plan.coming
        if done := len(plan.shards) - len(coming):
            say(f"{done} of {len(plan.shards)} shards are in {printable(args.output.name)} already")
        job = _job(args, bank if bank is not tagger.bank else None, typed)
        finished = FinishedShards(plan, job, stack.enter_context(Progress()))
        try:
            if coming and ray is not None:
                from ram.cluster.ray_engine import run_on_ray

                parts = run_on_ray(ray, coming, job, tagger.transform, args.workers)
            else:
                from ram.cluster.local_engine import run_here

                parts = run_here(coming, job, tagger)
            for part in parts:
                finished.add(part)
        except KeyboardInterrupt:
            say(f"ram tag: stopped after {finished.pictures} pictures; run the same command again to go on")
            raise
    say(f"{finished.pictures} pictures are tagged in {printable(str(args.output))}")
    for name, reason in finished.failures[:_MOST_NAMED]:
        say(printable(f"  {name}: {reason}"))
    if finished.failures:
        say(f"{len(finished.failures)} could not be read: they have the reason in the column error")
    return 2 if finished.failures else 0


def refuse_without_engine(args: argparse.Namespace) -> None:
    """Refuse flags that mean nothing without ``--engine``.

    Raises:
        InputError: one is given.
    """
    flags = ("looks", "shard", "workers", "cluster")
    if given := [flag for flag in flags if getattr(args, flag)]:
        raise InputError(f"--{given[0]} goes with --engine: add --engine local, or leave --{given[0]} out")


def _check(args: argparse.Namespace) -> None:
    if args.output is None:
        raise InputError("--engine needs --output: name a folder for the results")
    if args.output.suffix or args.output.is_file():
        raise InputError(f"--engine writes a folder, and {args.output.name!r} is the name of a file: name a folder")
    if given := [name for name in _WITHOUT if getattr(args, name, None)]:
        raise InputError(f"--engine writes Parquet files only: leave out --{given[0].replace('_', '-')}")
    if args.engine != "ray" and (args.workers or args.cluster):
        raise InputError("--workers and --cluster are for --engine ray")


def _cluster(args: argparse.Namespace, stack: ExitStack) -> Any:
    if args.engine != "ray":
        return None
    from ram.cluster.ray_engine import ray_cluster

    return stack.enter_context(ray_cluster(args.cluster))


def _job(args: argparse.Namespace, bank: TagEmbeddingBank | None, typed: tuple[str, ...]) -> Any:
    from ram.cluster.part_tagger import TaggingJob
    from ram.cluster.picture_parts import PART

    model = str(Path(args.model).resolve()) if Path(args.model).exists() else args.model
    return TaggingJob(
        args.output.resolve(),
        model,
        args.device,
        args.dtype,
        bank,
        typed,
        args.top,
        args.threshold,
        args.looks,
        PART,
        limits=image_limits(args),
    )


def _settings(args: argparse.Namespace, tagger: Tagger, bank: TagEmbeddingBank) -> dict[str, Any]:
    """Collect the options on which the results depend, by their names in messages."""
    from hashlib import sha256

    from ram.cluster.picture_parts import PART

    tags = sha256(repr((bank.vocabulary.tags, bank.vocabulary.thresholds, bank.sentences)).encode())
    return {
        "model": tagger.name,
        "tags": tags.hexdigest(),
        "top": args.top,
        "looks": args.looks,
        "dtype": args.dtype,
        "part": PART,
    }
