"""The caption under the photo, and the tags that guide it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from demo.core.captioning_photos import CaptionedPhoto, PhotoCaptioner
from demo.core.photos import Photo
from demo.core.texts import input_error
from demo.sections.parts import PRIVATE, SERIAL, Update, errors_shown_in, html
from demo.views import photo_caption as views
from demo.views.page import notice

MOST_TYPED = 2000
"""Characters of typed tags that are read."""


class CaptionSection:
    """Components and event handlers; laid out where it is made.

    Args:
        captioner: writes the captions.
        main: name of the model that tags.
        first: photo that the page opens with.
    """

    def __init__(self, captioner: PhotoCaptioner, main: str, first: Photo | None) -> None:
        self.captioner, self.main = captioner, main
        captioned = captioner.caption(first) if first else None
        self.captioned = gr.State(captioned)  # CaptionedPhoto or None
        self.panel = html(self._shown(captioned), "caption", "photo_caption")
        self.notice = html("", "caption-notice")
        self.outputs = [self.captioned, self.panel, self.notice]

    def wire(self, looked: gr.State) -> None:
        """Connect the controls; ``looked`` holds the photo."""
        self.panel.click(
            self.on_change, [looked, self.captioned], self.outputs, show_progress="hidden",
            trigger_mode="always_last", concurrency_id=SERIAL["concurrency_id"], concurrency_limit=1, **PRIVATE,
        )  # fmt: skip

    def follow(self, event: Any, looked: gr.State) -> None:
        """Write the caption of another photo after an event."""
        event.then(self.on_photo, [looked, self.captioned], self.outputs, show_progress="hidden", **SERIAL, **PRIVATE)

    def waiting(self) -> Update:
        """Remove the caption of the last photo, until there is one for the new photo."""
        return {self.captioned: None, self.panel: views.waiting(), self.notice: ""}

    @errors_shown_in("notice")
    def on_photo(self, photo: Photo | None, captioned: CaptionedPhoto | None) -> Update:
        """Another photo, the same one again, or none."""
        if photo is not None and captioned is not None and captioned.source == photo.source:
            return {self.notice: ""}
        return self._update(self.captioner.caption(photo) if photo else None)

    @errors_shown_in("notice")
    def on_change(self, photo: Photo | None, captioned: CaptionedPhoto | None, change: gr.EventData) -> Update:
        """Tags were added, removed or brought back; what a browser sends is untrusted."""
        action, text = getattr(change, "action", None), getattr(change, "text", "")
        if photo is None or captioned is None or captioned.source != photo.source or not isinstance(text, str):
            return {self.notice: ""}
        if action == "add":
            if len(text) > MOST_TYPED:
                raise input_error("caption_too_long")
            return self._update(self.captioner.add(photo, captioned, text))
        if action == "switch":
            return self._update(self.captioner.switch(photo, captioned, text))
        if action == "reset":
            return self._update(self.captioner.reset(photo, captioned))
        return {self.notice: ""}

    def _update(self, captioned: CaptionedPhoto | None) -> Update:
        return {self.captioned: captioned, self.panel: self._shown(captioned), self.notice: notice([])}

    def _shown(self, captioned: CaptionedPhoto | None) -> str:
        return views.caption(captioned, self.captioner.tagger.name, self.main) if captioned else ""
