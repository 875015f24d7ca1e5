"""Captions parsed by several processes: in the order given, with the tags that one process would find."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from ram.labels.parsing import CaptionParser, ParsedTag, check_pipeline, load_pipeline

CHUNK = 2048
"""Captions handed to a process at once: whole batches of the parser, so that no batch depends on the processes."""


def parse_captions(
    captions: Sequence[str], phrases: Sequence[str] = (), processes: int = 1, chunk: int = CHUNK
) -> Iterator[tuple[ParsedTag, ...]]:
    """Yield the tags of each caption, as `CaptionParser.parse`.

    Args:
        captions: English sentences.
        phrases: as for `CaptionParser`.
        processes: how many may work at once; no more start than there are chunks, and with one all is done here.
        chunk: captions a process takes at once.

    Raises:
        ValueError: `processes` is below 1.
        ImportError: spaCy or its English pipeline is not installed.
        ChildProcessError: a process was ended from outside.
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
    # Spawned, not forked: a fork would copy the locks of threads that are running here.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _start, (tuple(phrases),)) as pool:
        try:
            for found in pool.map(_parse, chunks):
                yield from found
        except BrokenProcessPool:
            raise ChildProcessError(
                f"one of {processes} parsing processes was ended from outside, perhaps for want of memory: "
                "use fewer processes"
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


_parser: CaptionParser  # of a process that `parse_captions` started


def _start(phrases: tuple[str, ...]) -> None:
    global _parser
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one ends it
    _parser = CaptionParser(load_pipeline(), phrases)


def _parse(captions: Sequence[str]) -> list[tuple[ParsedTag, ...]]:
    return list(_parser.parse(captions))
