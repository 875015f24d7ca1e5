"""The panel that exports an album as JSON lines, CSV or COCO, and its thresholds for a model folder."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import gradio as gr

from demo.core.album import Album, every, filtered
from demo.core.album_captions import caption_album
from demo.core.album_view import AlbumView
from demo.core.exports import FORMS, export_album, export_vocabulary
from demo.core.texts import input_error, say
from demo.sections.languages import wording
from demo.sections.parts import PRIVATE, Update, errors_shown_in, html
from demo.views.page import hint, introduction, saved
from ram.backends import Captioner, TaggerBackend


class ExportPanel:
    """Components and event handlers.

    Args:
        captioner: writes captions to export; there are none where None.
        judge: chooses among several captions of a photo.
    """

    def __init__(self, captioner: Captioner | None, judge: TaggerBackend | None) -> None:
        self.captioner, self.judge = captioner, judge
        with gr.Column(elem_classes="sheet", elem_id="album-export"):
            html(introduction(say("export_heading"), say("export_intro"), level=3))
            with gr.Row():
                self.forms = {
                    form: gr.Button(label, min_width=60, elem_id=f"album-{form}") for form, label in FORMS.items()
                }
            if captioner is not None:
                html(hint(say("captions_hint")))
                self.captions = gr.Button(wording("captions"), elem_id="album-captions")
            html(hint(say("only_thresholds")))
            self.vocabulary = gr.Button(wording("vocabulary"), elem_id="album-vocabulary")
            self.saved = html("", "album-saved", "save")

    def wire(self, album: gr.State, view: gr.State, tags: gr.Dropdown) -> None:
        """Connect the buttons to their handlers, for the album, view and filter of another section."""
        events: dict[str, Any] = {
            **PRIVATE, "preprocess": False, "show_progress": "hidden", "trigger_mode": "always_last",
        }  # fmt: skip
        inputs = [album, view, tags]
        self.vocabulary.click(self.export, inputs, [self.saved], **events)
        if self.captioner is not None:
            self.captions.click(self.export_captions, inputs, [self.saved], **events)
        for form, button in self.forms.items():
            button.click(partial(self.export, form=form), inputs, [self.saved], **events)

    def empty(self) -> Update:
        """Forget the last export, for a new album."""
        return {self.saved: ""}

    @errors_shown_in("saved")
    def export(
        self, album: Album | None, view: AlbumView, tags: list[str] | None, form: str = "vocabulary"
    ) -> Update:
        """Export the photos that pass the filter in one of :data:`FORMS`, or the vocabulary with its thresholds."""
        if album is None:
            raise input_error("forgotten")
        vocabulary = view.thresholds.apply(album.vocabulary)
        if form == "vocabulary":
            return {self.saved: saved(export_vocabulary(vocabulary))}
        shown = filtered(album, vocabulary, tags or [], view.thumbs)
        return {self.saved: saved(export_album(album, view.thresholds, form, shown, view.thumbs))}

    @errors_shown_in("saved")
    def export_captions(self, album: Album | None, view: AlbumView, tags: list[str] | None) -> Iterator[Update]:
        """Caption the photos that pass the filter, with the number of those that are done, and export the captions."""
        if album is None or self.captioner is None:
            raise input_error("forgotten")
        shown = filtered(album, view.thresholds.apply(album.vocabulary), tags or [], view.thumbs)
        if not shown:
            raise input_error("none_passes")
        due = every()
        for done, file in caption_album(self.captioner, album, shown, self.judge):
            if done == len(shown):
                yield {self.saved: saved(file)}
            elif due():
                yield {self.saved: hint(say("have_captions", done=done, total=len(shown)))}
