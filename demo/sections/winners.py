"""The panel of one category over the photos of an album: which description wins in each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr

from demo.core.actions import Workbench, explain
from demo.core.album import Album
from demo.core.feature_cache import FeatureShelf
from demo.core.winners import find_winners
from demo.sections.parts import DESCRIBED_AT_ONCE, OWN, Update, html, visitor_of
from demo.views import album_markup, markup
from ram.errors import InputError

INTRODUCTION = """<h2>One category over these photos</h2><p class="hint">RAM++ weighs a category's descriptions
anew for each photo: see which of them wins where.</p>"""


class WinnersPanel:
    """The components, in the order they stand, and what their events change.

    Args:
        bench: the models and describers behind it.
        describers: what may be chosen, name to label, the default first.
        shelf: where the features of albums are kept.
    """

    def __init__(self, bench: Workbench, describers: Mapping[str, str], shelf: FeatureShelf) -> None:
        self.bench, self.shelf = bench, shelf
        with gr.Column(elem_classes="sheet", elem_id="album-category", visible=False) as self.panel:
            html(INTRODUCTION)
            with gr.Row(elem_id="album-ask"):
                self.box = gr.Textbox(
                    label="Category for these photos", show_label=False, placeholder="kite", max_lines=1, scale=4,
                    min_width=180, elem_id="album-box",
                )  # fmt: skip
                self.describer = gr.Dropdown(
                    [(label, name) for name, label in describers.items()], value=next(iter(describers)),
                    label="Described by", show_label=False, scale=2, min_width=140, elem_id="album-describer",
                )  # fmt: skip
                self.button = gr.Button("Score", variant="primary", scale=1, min_width=96, elem_id="album-score")
            self.notice = html("", "album-category-notice")
            self.found = html("", "album-winners")
        self.outputs = [self.panel, self.notice, self.found]

    def wire(self, album: gr.State) -> None:
        """Connect events to what they do, on the album that another section keeps."""
        asked: dict[str, Any] = {"trigger_mode": "always_last", "concurrency_limit": DESCRIBED_AT_ONCE, **OWN}
        gr.on(
            [self.box.submit, self.button.click], self.on_category, [album, self.box, self.describer],
            [self.found, self.notice], show_progress_on=self.found, **asked,
        )  # fmt: skip

    def empty(self) -> Update:
        """For a new album: what was found in the last one goes, what was typed stays."""
        return {self.notice: "", self.found: ""}

    def on_category(
        self, album: Album | None, text: str | None, describer: str, request: gr.Request
    ) -> Iterator[Update]:
        """Sentences are gathered first; then every photo is scored against all of them."""
        try:
            if album is None or not album.photos:  # before a language model is paid
                raise InputError("there are no photos yet: tag some first")
            for typed in self.bench.describe(text or "", describer, visitor_of(self.bench, request)):
                if len(typed.names) > 1:
                    raise InputError(f"{len(typed.names)} categories are too many here: type one")
            main = self.bench.taggers[0]
            found = find_winners(main, album, typed.banks[main.name], self.shelf)
            yield {self.found: album_markup.winners(found), self.notice: markup.notice(typed.notices, "hint")}
        except Exception as error:
            yield {self.notice: markup.notice([explain(error)])}
