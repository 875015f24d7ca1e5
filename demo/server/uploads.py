"""Which files of this host a visitor may name: those that were uploaded, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ram.errors import InputError

NOT_UPLOADED = "This photo was not uploaded here: choose it again."


def uploaded(file: Mapping[str, Any] | None, folder: str | Path) -> Path:
    """The file that a browser or a client names as its upload, links followed.

    Args:
        file: as gradio sends it: ``{"path": ...}`` with whatever else.
        folder: where uploads are kept.

    Raises:
        InputError: anything but a file in that folder.
    """
    try:
        path = Path((file or {})["path"]).resolve()
        if path.is_relative_to(Path(folder).resolve()) and path.is_file():
            return path
    except (KeyError, TypeError, ValueError, OSError):  # whatever else may stand in the place of a path
        pass
    raise InputError(NOT_UPLOADED)
