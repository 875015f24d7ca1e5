"""Messages for visitors about errors."""

from __future__ import annotations

import logging

from demo.core.texts import Text, recognise, say, sentence
from ram.errors import RamError

UNEXPECTED = say("unexpected")

_log = logging.getLogger(__name__)


def message(error: Exception) -> str:
    """The message of a `RamError`; any other error is logged with its trace and described as our mistake."""
    if isinstance(error, RamError):
        if error.args and isinstance(error.args[0], Text):
            return sentence(error.args[0])
        keep_for_host(str(error))
        return sentence(str(error))
    _log.error("unexpected error behind the page", exc_info=error)
    return UNEXPECTED


def keep_for_host(text: str) -> None:
    """Log a message of the package `ram` where the page shows another one; the name of a visitor's file is left out."""
    shown = recognise(text)
    if isinstance(shown, Text) and shown != text:
        _log.warning("%s", text.replace(str(shown.values.get("name", "")) or "…", "…"))
