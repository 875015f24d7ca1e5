"""The panel that exports an album as JSON lines, CSV or COCO, and its thresholds for a model folder."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from demo.core.album import Album, Thumbs, filtered
from demo.core.album_thresholds import Thresholds
from demo.core.exports import FORMS, export_album, export_vocabulary
from demo.sections.parts import FORGOTTEN, PRIVATE, Update, errors_shown_in, html
from demo.views.page import hint, introduction, saved
from ram.errors import InputError

INTRODUCTION = """The photos that are shown, with the thresholds and thumbs above. An album is too large for a link:
send one of these files, or the photos themselves."""
VOCABULARY = "Only the thresholds, for the folder of a model."


class ExportPanel:
    """Components and event handlers."""

    def __init__(self) -> None:
        with gr.Column(elem_classes="sheet", elem_id="album-export"):
            html(introduction("Export", INTRODUCTION, level=3))
            with gr.Row():
                self.forms = {
                    form: gr.Button(label, min_width=60, elem_id=f"album-{form}") for form, label in FORMS.items()
                }
            html(hint(VOCABULARY))
            self.vocabulary = gr.Button("Download vocabulary.csv", elem_id="album-vocabulary")
            self.saved = html("", "album-saved", "save")

    def wire(self, album: gr.State, thresholds: gr.State, thumbs: gr.State, tags: gr.Dropdown) -> None:
        """Connect the buttons to their handlers, for the album, thresholds, thumbs and filter of another section."""
        events: dict[str, Any] = {
            **PRIVATE, "preprocess": False, "show_progress": "hidden", "trigger_mode": "always_last",
        }  # fmt: skip
        inputs = [album, thresholds, thumbs, tags]
        self.vocabulary.click(self.export, inputs, [self.saved], **events)
        for form, button in self.forms.items():
            button.click(partial(self.export, form=form), inputs, [self.saved], **events)

    def empty(self) -> Update:
        """Forget the last export, for a new album."""
        return {self.saved: ""}

    @errors_shown_in("saved")
    def export(
        self, album: Album | None, thresholds: Thresholds, thumbs: Thumbs, tags: list[str] | None,
        form: str = "vocabulary",
    ) -> Update:  # fmt: skip
        """Export the photos that pass the filter in one of :data:`FORMS`, or the vocabulary with its thresholds."""
        if album is None:
            raise InputError(FORGOTTEN)
        vocabulary = thresholds.apply(album.vocabulary)
        if form == "vocabulary":
            return {self.saved: saved(export_vocabulary(vocabulary))}
        shown = filtered(album, vocabulary, tags or [])
        return {self.saved: saved(export_album(album, thresholds, form, shown, thumbs))}
