"""Watch folders for new photos by looking again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ram.errors import ImageError
from ram.images.folders import search

MOST_ROUNDS = 10**8
"""Looks at the folders after which a watch ends by itself: three years, one a second."""


def new_photos(
    paths: Iterable[str | Path],
    is_done: Callable[[Path], bool],
    seconds: float,
    rounds: int = MOST_ROUNDS,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[list[Path]]:
    """Yield the photos that are not done, each when it has not changed for one round; ends on Ctrl-C while it waits.

    A photo that is still not done afterwards comes again when its file changes.

    Args:
        paths: photos, folders and patterns.
        is_done: whether a photo need not come any more.
        seconds: between two looks at the folders.
        rounds: how many looks.
        sleep: waits so long.
    """
    seen: dict[Path, tuple[int, int]] = {}
    tried: dict[Path, tuple[int, int]] = {}
    for _ in range(rounds):
        try:
            sleep(seconds)
        except KeyboardInterrupt:
            return
        now = {photo: state for photo in _photos(paths) if not is_done(photo) and (state := _state(photo))}
        ready = [photo for photo, state in now.items() if seen.get(photo) == state != tried.get(photo)]
        seen = now
        if ready:
            tried.update((photo, now[photo]) for photo in ready)
            yield ready


def _photos(paths: Iterable[str | Path]) -> Iterator[Path]:
    for path in paths:
        try:
            yield from search(path).images
        except ImageError:  # nothing is there yet
            continue


def _state(photo: Path) -> tuple[int, int] | None:
    try:
        found = photo.stat()
    except OSError:  # meanwhile
        return None
    return found.st_size, found.st_mtime_ns
