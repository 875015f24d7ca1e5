"""Parse captions in several processes, with the same tags in the same order as in one."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from ram.errors import WorkerError
from ram.labels.parsing import CaptionParser, ParsedTag, check_pipeline, load_pipeline

CHUNK = 2048
"""Captions per task: whole batches of the parser, so that no batch depends on the number of processes."""


def parse_captions(
    captions: Sequence[str], phrases: Sequence[str] = (), processes: int = 1, chunk: int = CHUNK
) -> Iterator[tuple[ParsedTag, ...]]:
    """Yield the tags of each caption, as `CaptionParser.parse`.

    Args:
        captions: English sentences.
        phrases: as for `CaptionParser`.
        processes: upper limit; no more are started than there are chunks, and with one no process is started.
        chunk: captions per task.

    Raises:
        ValueError: ``processes`` is below 1.
        MissingPackageError: spaCy or its English pipeline is not installed.
        WorkerError: a process was ended from outside.
    """
    if processes < 1:
        raise ValueError(f"processes is {processes}: give 1 or more")
    chunks = [captions[start : start + chunk] for start in range(0, len(captions), chunk)]
    processes = min(processes, len(chunks))
    if processes <= 1:
        parser = CaptionParser(load_pipeline(), phrases)
        for part in chunks:
            yield from parser.parse(part)
        return
    check_pipeline()
    # Spawned rather than forked: a fork would copy the locks of running threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _start, (tuple(phrases),)) as pool:
        try:
            for tags in pool.map(_parse, chunks):
                yield from tags
        except BrokenProcessPool:
            raise WorkerError(
                f"one of {processes} parsing processes was ended from outside, perhaps for lack of memory: "
                "use fewer processes"
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


_parser: CaptionParser  # in a process that `parse_captions` started


def _start(phrases: tuple[str, ...]) -> None:
    global _parser
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process ends this one
    _parser = CaptionParser(load_pipeline(), phrases)


def _parse(captions: Sequence[str]) -> list[tuple[ParsedTag, ...]]:
    return list(_parser.parse(captions))
