"""A field for the address of a photo, where the host of the page allows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from demo.core.edits import Edits
from demo.core.photos import Photo
from demo.sections.languages import wording
from demo.sections.parts import PRIVATE, SERIAL, Update, errors_shown_in, html
from demo.server.fetching import fetch_photo

if TYPE_CHECKING:
    from demo.sections.photo import PhotoSection

AT_ONCE = 4
"""Photos that are fetched at the same time, for all visitors."""


class AddressField:
    """Components and event handlers; nothing is visible or connected until :meth:`wire` is called."""

    def __init__(self) -> None:
        with gr.Row(elem_id="photo-address", visible=False) as self.row:
            self.box = gr.Textbox(
                label=wording("address"), show_label=False, placeholder=wording("address_placeholder"),
                max_lines=1, scale=4, min_width=160, elem_id="photo-address-box",
            )  # fmt: skip
            self.button = gr.Button(wording("fetch"), scale=1, min_width=70, elem_id="photo-address-fetch")
        self.notice = html("", "photo-address-notice")
        self.path = gr.State()  # of the photo that was fetched last

    def wire(self, section: PhotoSection) -> None:
        """Show the field, and tag what it fetches in a section."""
        self.section, self.row.visible = section, True
        fetched: dict[str, Any] = {"concurrency_id": "fetching", "concurrency_limit": AT_ONCE, **PRIVATE}
        given = gr.on(
            [self.box.submit, self.button.click], self.on_address, self.box, [self.path, self.notice],
            show_progress_on=section.tags, **fetched,
        )  # fmt: skip
        tagged = given.then(
            self.on_photo, [self.path, section.looked, section.why.edits],
            [*section.photo_side, self.path, self.box, self.notice],
            show_progress_on=section.tags, **SERIAL, **PRIVATE,
        )  # fmt: skip
        section.wire_score(tagged)

    def none(self) -> Update:
        """Forget the photo that was fetched."""
        return {self.path: None}

    @errors_shown_in("notice", reset="none")
    def on_address(self, address: str | None) -> Update:
        """An address was given: fetch its photo; what is shown stays where that fails."""
        path = fetch_photo(address or "", Path(self.section.photo.GRADIO_CACHE))
        self.section.photo.temp_files.add(str(path))  # deleted like uploads
        return {self.path: path, self.notice: ""}

    @errors_shown_in("notice", reset="none")
    def on_photo(self, path: Path | None, photo: Photo | None, edits: Edits) -> Iterator[Update]:
        """The photo is here: tag it."""
        if path is None:
            yield self.none()  # gradio empties every output of a generator that yields nothing
            return
        yield from self.section.tag(path, edits)
        yield {self.path: None, self.box: ""}
