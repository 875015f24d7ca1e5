"""The panel of categories over the photos of an album: how probable they are, and which description wins in each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr

from demo.core.album import Album
from demo.core.feature_cache import FeatureCache
from demo.core.texts import input_error, recognise, say
from demo.core.winners import find_winners
from demo.core.workbench import Workbench
from demo.sections.languages import choices, typed_by, wording
from demo.sections.parts import MAX_DESCRIBING, PRIVATE, Update, errors_shown_in, html
from demo.server.visitors import visitor_of
from demo.views import winners as views
from demo.views.page import introduction, notice


class WinnersPanel:
    """Components and event handlers.

    Args:
        bench: models and describers.
        describers: label by name, the default first.
        cache: features of the albums' photos.
    """

    def __init__(self, bench: Workbench, describers: Mapping[str, str], cache: FeatureCache) -> None:
        self.bench, self.cache = bench, cache
        with gr.Column(elem_classes="sheet", elem_id="album-category", visible=False) as self.panel:
            html(introduction(say("album_categories"), say("album_categories_intro")))
            with gr.Row(elem_id="album-ask"):
                self.box = gr.Textbox(
                    label=wording("album_box"), show_label=False, placeholder=wording("album_placeholder"),
                    max_lines=1, scale=4, min_width=180, elem_id="album-box",
                )  # fmt: skip
                self.describer = gr.Dropdown(
                    choices(describers), value=next(iter(describers)),
                    label=wording("described_by"), show_label=False, scale=2, min_width=140, elem_id="album-describer",
                )  # fmt: skip
                self.button = gr.Button(
                    wording("score"), variant="primary", scale=1, min_width=96, elem_id="album-score"
                )
            self.notice = html("", "album-category-notice")
            self.found = html("", "album-winners")
        self.outputs = [self.panel, self.notice, self.found]

    def wire(self, album: gr.State) -> None:
        """Connect events to handlers, for the album of another section."""
        options: dict[str, Any] = {"trigger_mode": "always_last", "concurrency_limit": MAX_DESCRIBING, **PRIVATE}
        gr.on(
            [self.box.submit, self.button.click], self.on_category, [album, self.box, self.describer],
            [self.found, self.notice], show_progress_on=self.found, **options,
        )  # fmt: skip

    def empty(self) -> Update:
        """Remove the last results; the typed category stays."""
        return {self.notice: "", self.found: ""}

    @errors_shown_in("notice", reset="empty")
    def on_category(
        self, album: Album | None, text: str | None, describer: str, request: gr.Request
    ) -> Iterator[Update]:
        """Describe the categories, then score every photo."""
        if album is None or not album.photos:  # before a language model is asked
            raise input_error("no_photos_yet")
        *_, typed = self.bench.describe(typed_by(request, text), describer, visitor_of(request.headers))
        main = self.bench.taggers[0]
        if main.name not in typed.banks:
            raise typed.unscored()
        found = find_winners(main, album, typed.banks[main.name], self.cache)
        yield {self.found: views.winners(found), self.notice: notice(map(recognise, typed.messages), "hint")}
