"""Answer /completions?q=TEXT&language=CODE with words that go on as typed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from demo.core.known_words import Completion, KnownWords

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


class Completions:
    """The words, collected when the first of them is asked for; thread-safe.

    Args:
        collect: makes the list of known words.
    """

    def __init__(self, collect: Callable[[], KnownWords]) -> None:
        self._collect = collect
        self._words: KnownWords | None = None
        self._lock = threading.Lock()

    def find(self, text: str, language: str = "") -> list[Completion]:
        """Words that begin with a text, in a language and in English; few, and none for an unreadable one."""
        with self._lock:
            if self._words is None:
                self._words = self._collect()
        return self._words.find(text, language)

    def answer(self, request: Request) -> Response:
        """``{"words": [{"word", "predefined"}]}`` for "q" and "language" of the address; empty where there are none."""
        from starlette.responses import JSONResponse

        asked = request.query_params
        found = self.find(asked.get("q", ""), asked.get("language", ""))
        words = [{"word": one.word, "predefined": one.predefined} for one in found]
        return JSONResponse({"words": words}, headers={"Cache-Control": "max-age=600"})
