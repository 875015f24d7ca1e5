"""One run at a time writes to a folder of photos."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ram.errors import InputError
from ram.runtime import lock


@contextmanager
def locked(paths: Iterable[str | Path]) -> Iterator[None]:
    """Keep other runs from writing to these folders, and to those of these photos; leaves no file behind.

    Raises:
        InputError: another run writes there.
    """
    folders = {Path(path) if os.path.isdir(path) else Path(path).parent for path in paths}
    with ExitStack() as stack:
        for folder in sorted({Path(os.path.realpath(folder)) for folder in folders}):
            if os.name == "nt" or not folder.is_dir():  # a pattern, or a system without such locks
                continue
            handle = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, handle)
            if not lock(handle):
                raise InputError(f"another run writes tags in {folder}: wait for it")
        yield
