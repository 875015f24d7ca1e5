"""One run at a time writes to a folder of photos and the folders in it."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ram.errors import InputError
from ram.runtime import lock


@contextmanager
def locked(paths: Iterable[str | Path]) -> Iterator[None]:
    """Keep other runs from writing to these folders, those of these photos, and all in them; leaves no file behind.

    The folders above, up to the root, get a shared lock: it refuses a run on any of them, while runs on other folders
    in them go on.

    Args:
        paths: folders, photos and patterns.

    Raises:
        InputError: another run writes there, in a folder above, or in a folder below.
    """
    if os.name == "nt":  # has no such locks
        yield
        return
    folders = {folder for path in paths if (folder := _folder(path)).is_dir()}
    highest = {folder for folder in folders if folders.isdisjoint(folder.parents)}
    above = {parent for folder in highest for parent in folder.parents}
    with ExitStack() as stack:
        for folder in sorted(highest | above):
            try:
                handle = os.open(folder, os.O_RDONLY)
            except PermissionError:  # may be passed through, but not listed
                continue
            stack.callback(os.close, handle)
            if not lock(handle, shared=folder in above):
                where = "" if folder in above else " or in a folder below"
                raise InputError(f"another run writes tags in {folder}{where}: wait for it")
        yield


@contextmanager
def locked_alone(folder: Path) -> Iterator[None]:
    """Keep other runs from one folder, such as that of a library, but not from the photos around it.

    Raises:
        InputError: another run writes there.
    """
    with ExitStack() as stack:
        if os.name != "nt":
            handle = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, handle)
            if not lock(handle):
                raise InputError(f"another run writes tags in {folder}: wait for it")
        yield


def _folder(path: str | Path) -> Path:
    """The folder that a path names, that of a photo, or the one in which a pattern searches."""
    folder = Path(path) if os.path.isdir(path) else Path(path).parent
    while glob.has_magic(str(folder)) and not folder.is_dir():
        folder = folder.parent
    return Path(os.path.realpath(folder))
