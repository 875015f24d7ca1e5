"""Messages for visitors about errors."""

from __future__ import annotations

import logging

from demo.core.texts import Text, say, sentence
from ram.errors import RamError

UNEXPECTED = say("unexpected")

_log = logging.getLogger(__name__)


def message(error: Exception) -> str:
    """The message of a `RamError`; any other error is logged with its trace and described as our mistake."""
    if isinstance(error, RamError):
        given = error.args[0] if error.args and isinstance(error.args[0], Text) else str(error)
        return given if given.endswith(".") and isinstance(given, Text) else sentence(given)
    _log.error("unexpected error behind the page", exc_info=error)
    return UNEXPECTED
