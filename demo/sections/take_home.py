"""The panel that takes an album home: its photos as JSON lines, CSV or COCO, and its thresholds for a model folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import gradio as gr

from demo.core.album import Album, filtered
from demo.core.album_thresholds import Thresholds
from demo.core.exports import FORMS, Download, export_album, export_vocabulary
from demo.sections.parts import FORGOTTEN, OWN, Update, html
from demo.views import markup
from demo.views.save_links import SAVE, save_now

INTRODUCTION = """<h3>Take it home</h3><p class="hint">The photos that are shown, at the thresholds above. An album is
too large to travel by link: send one of these files, or the photos themselves.</p>"""
VOCABULARY = """<p class="hint">The thresholds alone, for the folder of a model.</p>"""


class TakeHomePanel:
    """The components, in the order they stand, and what their events change."""

    def __init__(self) -> None:
        with gr.Column(elem_classes="sheet", elem_id="album-home"):
            html(INTRODUCTION)
            with gr.Row():
                self.exports = {
                    form: gr.Button(label, min_width=60, elem_id=f"album-{form}") for form, label in FORMS.items()
                }
            html(VOCABULARY)
            self.vocabulary = gr.Button("Download vocabulary.csv", elem_id="album-vocabulary")
            self.saved = html("", "album-saved", SAVE)

    def wire(self, album: gr.State, thresholds: gr.State, tags: gr.Dropdown) -> None:
        """Connect events to what they do, on the album, thresholds and filter that another section keeps."""
        events: dict[str, Any] = {**OWN, "preprocess": False, "show_progress": "hidden", "trigger_mode": "always_last"}
        given = [album, thresholds, tags]
        self.vocabulary.click(self._saving(_vocabulary), given, [self.saved], **events)
        for form, button in self.exports.items():
            button.click(self._saving(partial(_photos, form)), given, [self.saved], **events)

    def empty(self) -> Update:
        """For a new album."""
        return {self.saved: ""}

    def _saving(
        self, export: Callable[[Album, Thresholds, list[str]], Download]
    ) -> Callable[[Album | None, Thresholds, list[str] | None], Update]:
        def save(album: Album | None, thresholds: Thresholds, tags: list[str] | None) -> Update:
            if album is None:
                return {self.saved: markup.notice([FORGOTTEN])}
            return {self.saved: save_now(export(album, thresholds, tags or []))}

        return save


def _vocabulary(album: Album, thresholds: Thresholds, _: list[str]) -> Download:
    return export_vocabulary(thresholds.over(album.vocabulary))


def _photos(form: str, album: Album, thresholds: Thresholds, tags: list[str]) -> Download:
    return export_album(album, thresholds, form, filtered(album, thresholds.over(album.vocabulary), tags))
