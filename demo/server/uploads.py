"""Accept uploaded files only, whatever path a visitor names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ram.errors import InputError

NOT_UPLOADED = "This photo was not uploaded here: choose it again."


def uploaded(file: Mapping[str, Any] | None, folder: str | Path) -> Path:
    """Path of an uploaded file, links resolved.

    Args:
        file: as gradio sends it: ``{"path": ...}`` and other keys.
        folder: of uploads.

    Raises:
        InputError: not a file in that folder.
    """
    try:
        path = Path((file or {})["path"]).resolve()
        if path.is_relative_to(Path(folder).resolve()) and path.is_file():
            return path
    except (KeyError, TypeError, ValueError, OSError):  # anything may be sent as a path
        pass
    raise InputError(NOT_UPLOADED)
