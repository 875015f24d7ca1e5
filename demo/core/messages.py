"""Messages for visitors about errors."""

from __future__ import annotations

import logging

from ram.errors import RamError

UNEXPECTED = "Something went wrong on our side and has been logged: try again, or with another photo."

_log = logging.getLogger(__name__)


def message(error: Exception) -> str:
    """The message of a `RamError`; any other error is logged with its trace and described as our mistake."""
    if isinstance(error, RamError):
        return f"{str(error).rstrip('.')}."
    _log.error("unexpected error behind the page", exc_info=error)
    return UNEXPECTED
