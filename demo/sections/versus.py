"""The section of models against each other on the photo of the first section, the largest disagreements first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from demo.core.actions import Workbench, explain
from demo.core.categories import Categories
from demo.core.comparison import compare, predefined_banks
from demo.core.photos import Photo
from demo.sections.parts import IN_TURN, OWN, Update, html
from demo.views import markup, versus_markup
from ram.errors import InputError

PREDEFINED, TYPED = "tags that all models know", "my categories"


class VersusSection:
    """The components, in the order they stand, and what their events change.

    Args:
        bench: the models that are compared.
        absent: sentences about models that could be compared but are not on this machine.
    """

    def __init__(self, bench: Workbench, absent: Sequence[str] = ()) -> None:
        self.bench = bench
        self.predefined = predefined_banks(bench.taggers)
        with gr.Column(elem_classes="sheet", elem_id="versus-panel"):
            html(versus_markup.introduction(bench.labels, absent))
            self.kind = gr.Radio([PREDEFINED, TYPED], value=PREDEFINED, label="Compare on", elem_id="versus-kind")
            self.notice = html("", "versus-notice")
            self.found = html("", "versus-found")

    def wire(self, tab: gr.Tab, looked: gr.State, typed: gr.State) -> None:
        """Compare anew whenever this section is opened, on the photo and the categories of the first one."""
        events: dict[str, Any] = {"show_progress_on": self.found, **IN_TURN, **OWN, "trigger_mode": "always_last"}
        gr.on([tab.select, self.kind.input], self.show, [looked, typed, self.kind], [self.notice, self.found], **events)

    def show(self, photo: Photo | None, typed: Categories | None, kind: str) -> Update:
        try:
            if photo is None:
                raise InputError("there is no photo yet: choose one under One photo")
            if kind == TYPED and (typed is None or not typed.finished):
                raise InputError("there are no categories yet: type some under One photo")
            banks = typed.banks if kind == TYPED and typed is not None else self.predefined
            found = compare(self.bench.taggers, photo, banks)
            return {self.notice: "", self.found: versus_markup.versus(found, self.bench.labels)}
        except Exception as error:
            return {self.notice: markup.notice([explain(error)], "hint"), self.found: ""}
