"""Accept uploaded files only, whatever path a visitor names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from demo.core.messages import message
from demo.core.texts import say
from ram.errors import InputError

NOT_UPLOADED = say("not_uploaded")
NO_PHOTO = say("photo_missing")
LONGEST_ADDRESS = 80
"""Characters of an address that a message shows."""


def uploaded(file: Mapping[str, Any] | None, folder: str | Path) -> Path:
    """Path of an uploaded file, links resolved.

    Args:
        file: as gradio sends it: ``{"path": ...}`` and other keys.
        folder: of uploads.

    Raises:
        InputError: nothing, or not a file in that folder.
    """
    if file is None:
        raise InputError(NO_PHOTO)
    try:
        path = Path(file["path"]).resolve()
        if path.is_relative_to(Path(folder).resolve()) and path.is_file():
            return path
    except (KeyError, TypeError, ValueError, OSError):  # anything may be sent as a path
        pass
    raise InputError(NOT_UPLOADED)


def refusal(error: Exception, wanted: int, inputs: Sequence[Any]) -> str:
    """Sentence about inputs that gradio refused before a function of ours was called.

    Args:
        error: gradio's, logged where the inputs do not explain it.
        wanted: number of inputs of the function.
        inputs: as they were sent.
    """
    if len(inputs) < wanted:
        return say("call_needs_values", wanted=wanted, given=len(inputs))
    paths = list(_paths(inputs))
    if address := next((path for path in paths if path.lower().startswith(("http://", "https://"))), ""):
        shown = "".join(one for one in address[:LONGEST_ADDRESS] if one.isprintable())
        return say("address_not_fetched", address=shown)
    return NOT_UPLOADED if paths else message(error)


def _paths(value: Any) -> Iterator[str]:
    """Paths of all files in a value of JSON."""
    if isinstance(value, Mapping) and isinstance(value.get("path"), str):
        yield value["path"]
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _paths(each)
