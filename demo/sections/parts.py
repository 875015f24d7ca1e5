"""What the sections of the page share: plain HTML, and how their events queue."""

from __future__ import annotations

from typing import Any

import gradio as gr

from demo.core.actions import Workbench

Update = dict[Any, Any]
"""New values by component; those not named stay as they are. Where none is named it has to be `gr.skip()`: gradio takes
an empty one for a value."""

IN_TURN: dict[str, Any] = {"concurrency_id": "photo", "concurrency_limit": 1, "trigger_mode": "multiple"}
"""Photos are looked at and scored in the order they come: two at once only slow each other down, and of several
photos that one visitor gives in a hurry the last one wins."""

DESCRIBED_AT_ONCE = 4
"""Visitors whose categories are described at the same time; a language model mostly lets us wait."""

FORGOTTEN = "these photos are not kept here any more: tag them again"

OWN: dict[str, Any] = {"api_visibility": "private"}
"""Events of the page itself; what programs may call is declared on its own."""


def html(value: str, elem_id: str | None = None, js_on_load: str | None = None) -> gr.HTML:
    """HTML that is already escaped."""
    return gr.HTML(value, elem_id=elem_id, js_on_load=js_on_load, apply_default_css=False)


def visitor_of(bench: Workbench, request: gr.Request) -> str:
    """Who asks, for the limits: a name that does not tell their address."""
    client = request.client
    return bench.limits.visitor(client.host if client else None, request.headers.get("x-forwarded-for"))
