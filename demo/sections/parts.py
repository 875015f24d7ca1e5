"""Shared by the sections: HTML components, queue settings of events, and errors as notices."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from operator import attrgetter
from typing import Any

import gradio as gr

from demo.core.messages import message
from demo.views.page import notice
from demo.views.render import script

Update = dict[Any, Any]
"""New values by component; the others stay. A handler that changes nothing returns `gr.skip()`, not an empty dict."""

SERIAL: dict[str, Any] = {"concurrency_id": "photo", "concurrency_limit": 1, "trigger_mode": "multiple"}
"""Queue settings: photos are tagged and scored in the order they come, because two at once slow each other down; of
several photos that one visitor gives, the last one wins."""

MAX_DESCRIBING = 4
"""Visitors whose categories are described at once; most of that time is waiting for a language model."""

PRIVATE: dict[str, Any] = {"api_visibility": "private"}
"""Event settings: not an endpoint for programs; those are declared in `demo.api`."""


def html(value: str, elem_id: str | None = None, *scripts: str) -> gr.HTML:
    """Component for rendered HTML, with the page's scripts of these names."""
    return gr.HTML(value, elem_id=elem_id, js_on_load=script(*scripts) if scripts else None, apply_default_css=False)


def errors_shown_in(place: str, reset: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate an event handler, a method of a section, so that errors appear as a notice.

    A `RamError` shows its own message. Any other exception is a programming error: it is logged with its trace, and the
    notice says that something went wrong on our side.

    Args:
        place: attribute with the component for the notice, such as "notice" or "why.notice".
        reset: method of the section with further updates after an error.
    """

    def decorate(handler: Callable[..., Any]) -> Callable[..., Any]:
        def failed(section: Any, error: Exception) -> Update:
            further = getattr(section, reset)() if reset else {}
            return {**further, attrgetter(place)(section): notice([message(error)])}

        @wraps(handler)
        def stream(section: Any, *args: Any, **options: Any) -> Iterator[Update]:
            try:
                yield from handler(section, *args, **options)
            except Exception as error:
                yield failed(section, error)

        @wraps(handler)
        def answer(section: Any, *args: Any, **options: Any) -> Update:
            try:
                update: Update = handler(section, *args, **options)
                return update
            except Exception as error:
                return failed(section, error)

        return stream if inspect.isgeneratorfunction(handler) else answer

    return decorate
