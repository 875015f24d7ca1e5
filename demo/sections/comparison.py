"""The tab that compares the models on the photo of the first tab, grouped by verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from demo.core.categories import Categories
from demo.core.comparison import compare, predefined_banks
from demo.core.edits import Edits
from demo.core.messages import message
from demo.core.photos import Photo
from demo.core.texts import input_error
from demo.core.workbench import Workbench
from demo.sections.languages import choices, wording
from demo.sections.parts import PRIVATE, SERIAL, Update, errors_shown_in, html
from demo.sections.photo import PhotoSection
from demo.views import comparison as views
from demo.views.page import notice
from ram.errors import InputError

PREDEFINED, TYPED = "predefined", "typed"


class ComparisonSection:
    """Components and event handlers.

    Args:
        bench: the models to compare.
        absent: a sentence about each model that is not on this machine.
    """

    def __init__(self, bench: Workbench, absent: Sequence[str] = ()) -> None:
        self.bench = bench
        self.predefined = predefined_banks(bench.taggers)
        with gr.Column(elem_classes="sheet", elem_id="compare-panel"):
            html(views.heading(bench.labels, absent))
            self.kind = gr.Radio(
                choices({PREDEFINED: "shared_tags", TYPED: "my_categories"}), value=PREDEFINED,
                label=wording("compare_on"), elem_id="compare-kind",
            )  # fmt: skip
            self.notice = html("", "compare-notice")
            self.found = html("", "compare-found", "compare")

    def wire(self, tab: gr.Tab, looked: gr.State, typed: gr.State) -> None:
        """Compare again whenever this tab is opened, on the photo and the categories of the first one."""
        events: dict[str, Any] = {"show_progress_on": self.found, **SERIAL, **PRIVATE, "trigger_mode": "always_last"}
        gr.on([tab.select, self.kind.input], self.show, [looked, typed, self.kind], [self.notice, self.found], **events)

    def wire_opening(self, section: PhotoSection, tabs: gr.Tabs) -> None:
        """Explain a category in the tab of one photo when its row is clicked."""
        self.section, self.tabs = section, tabs
        inputs = [section.looked, section.typed, section.why.edits]
        outputs = [tabs, *section.why.outputs]
        chosen = self.found.select(self.on_row, inputs, outputs, show_progress="hidden", **SERIAL, **PRIVATE)
        section.why.wire_map(chosen, section.looked)

    @errors_shown_in("notice")
    def on_row(self, photo: Photo | None, typed: Categories | None, edits: Edits, clicked: gr.EventData) -> Update:
        """A row was clicked: explain its tag, with the visitor's own sentences where the row has those."""
        tag, why = getattr(clicked, "tag", None), self.section.why
        if getattr(clicked, "kind", None) == "typed" and typed is not None and tag in typed.names:
            shown = why.typed(photo, typed, str(tag))
        elif isinstance(tag, str) and tag in self.bench.taggers[0].bank.vocabulary:
            shown = why.predefined(photo, tag, edits)
        else:
            return gr.skip()
        return {**shown, self.tabs: gr.Tabs(selected="photo")}

    def empty(self) -> Update:
        """Show no comparison."""
        return {self.found: ""}

    @errors_shown_in("notice", reset="empty")
    def show(self, photo: Photo | None, typed: Categories | None, kind: str) -> Update:
        """Show the comparison, or what is missing for it."""
        try:
            if photo is None:
                raise input_error("no_photo_yet")
            if kind == TYPED and (typed is None or not typed.finished):
                raise input_error("no_categories_yet")
            if kind == TYPED and typed is not None and not typed.banks:
                raise input_error("none_readable")
        except InputError as missing:
            return {**self.empty(), self.notice: notice([message(missing)], "hint")}
        banks = typed.banks if kind == TYPED and typed is not None else self.predefined
        found = compare(self.bench.taggers, photo, banks)
        return {self.notice: "", self.found: views.comparison(found, self.bench.labels, photo.jpeg, kind == TYPED)}
