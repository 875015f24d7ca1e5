"""The panel of an album's thresholds: for all tags, for single ones, or chosen again by thumbs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from demo.core.album import Album
from demo.core.album_thresholds import calibrated
from demo.core.album_view import AlbumView
from demo.core.texts import input_error, say
from demo.sections.languages import choices, tag_label, typed_by, wording
from demo.sections.parts import PRIVATE, Update, errors_shown_in, html
from demo.views import album as views
from demo.views.page import introduction

if TYPE_CHECKING:
    from demo.sections.album import AlbumSection

MAX_CHOICES = 200
"""Tags offered for a threshold of their own, the most probable first; others can be typed."""

EACH, SHARED = "each", "shared"

QUICK: dict[str, Any] = {
    **PRIVATE, "preprocess": False, "show_progress": "hidden", "concurrency_id": "album view", "concurrency_limit": 1,
}  # fmt: skip
"""Settings of events that show the same photos in another way, one after the other, so that none undoes the other's
change; without preprocessing gradio refuses no value with a message of its own."""


class ThresholdPanel:
    """Components and event handlers.

    Args:
        section: whose album is shown with these thresholds.
    """

    def __init__(self, section: AlbumSection) -> None:
        self.section = section
        with gr.Column(elem_classes="sheet"):
            html(introduction(say("thresholds_heading"), level=3))
            self.kind = gr.Radio(
                choices({EACH: "each_own", SHARED: "one_for_all"}), value=EACH, label=wording("shows_over"),
                elem_id="album-kind",
            )  # fmt: skip
            self.shared = gr.Slider(
                0, 1, 0.5, step=0.01, label=wording("shared_threshold"), interactive=False, elem_id="album-shared"
            )
            self.tag = gr.Dropdown([], label=wording("only_tag"), allow_custom_value=True, elem_id="album-tag")
            self.single = gr.Slider(0, 1, 0.5, step=0.01, label=wording("single_threshold"), elem_id="album-single")
            self.singles = html("", "album-singles", "album")
        with gr.Column(elem_classes="sheet"):
            html(introduction(say("calibrate_heading"), say("calibrate_intro"), level=3))
            self.calibrate = gr.Button(wording("calibrate"), elem_id="album-calibrate")
            self.calibration = html("", "album-calibration")
        self.outputs = [self.kind, self.shared, self.tag, self.single, self.singles, self.calibration]

    def wire(self) -> None:
        """Connect events to handlers."""
        shown, outputs = self.section.shown, self.section.outputs
        moved: dict[str, Any] = {"trigger_mode": "always_last", **QUICK}
        gr.on([self.kind.input, self.shared.input], self.on_shared, [*shown, self.kind, self.shared], outputs, **moved)
        self.single.input(self.on_single, [*shown, self.tag, self.single], outputs, **moved)
        self.tag.input(self.on_tag, [self.section.album, self.section.view, self.tag], [self.single], **moved)
        self.singles.click(self.on_remove, shown, outputs, **moved)
        self.calibrate.click(self.on_calibrate, shown, outputs, **moved)

    def fresh(self) -> Update:
        """Forget what was chosen for the last album."""
        return {self.kind: EACH, self.shared: gr.Slider(interactive=False), self.calibration: ""}

    def updated(self, album: Album, view: AlbumView) -> Update:
        """The thresholds of single tags, and the tags to choose from."""
        return {
            self.singles: views.single_thresholds(view.thresholds),
            self.tag: gr.Dropdown(choices=[(tag_label(tag), tag) for tag in _most_probable(album)]),
        }

    @errors_shown_in("section.notice")
    def on_shared(
        self, album: Album | None, view: AlbumView, tags: list[str], form: str, kind: str, value: float
    ) -> Update:
        """The kind of threshold or the shared threshold was changed."""
        shared = float(value) if kind == SHARED else None
        view = replace(view, thresholds=replace(view.thresholds, shared=shared))
        return {**self.section.changed(album, view, tags, form), self.shared: gr.Slider(interactive=kind == SHARED)}

    @errors_shown_in("section.notice")
    def on_single(
        self, album: Album | None, view: AlbumView, tags: list[str], form: str, tag: str | None, value: float,
        request: gr.Request,
    ) -> Update:  # fmt: skip
        """The threshold of one tag was changed."""
        if album is None:
            raise input_error("forgotten")
        if not tag:
            raise input_error("tag_first")
        known = album.vocabulary.find(typed_by(request, str(tag)))
        if known is None:
            raise input_error("no_such_tag", tag=str(tag))
        view = replace(view, thresholds=view.thresholds.with_single(known, value))
        return self.section.changed(album, view, tags, form)

    def on_tag(self, album: Album | None, view: AlbumView, tag: str | None, request: gr.Request) -> Update:
        """A tag was chosen: show its threshold on the slider."""
        known = album.vocabulary.find(typed_by(request, str(tag))) if album is not None else None
        if album is None or known is None:
            return gr.skip()
        vocabulary = view.thresholds.apply(album.vocabulary)
        return {self.single: vocabulary.thresholds[vocabulary.id(known)]}

    @errors_shown_in("section.notice")
    def on_remove(
        self, album: Album | None, view: AlbumView, tags: list[str], form: str, clicked: gr.EventData
    ) -> Update:
        """The threshold of one tag was removed."""
        tag = str(getattr(clicked, "tag", ""))
        view = replace(view, thresholds=view.thresholds.with_single(tag, None))
        return self.section.changed(album, view, tags, form)

    @errors_shown_in("section.notice")
    def on_calibrate(self, album: Album | None, view: AlbumView, tags: list[str], form: str) -> Update:
        """Change thresholds to agree with the thumbs, and use each tag's own."""
        if album is None:
            raise input_error("forgotten")
        chosen = calibrated(album, view.thumbs)
        view = replace(view, thresholds=replace(view.thresholds, shared=None, calibrated=chosen))
        shown = views.calibration(album.vocabulary, chosen, view.thumbs)
        own: Update = {self.calibration: shown, self.kind: EACH, self.shared: gr.Slider(interactive=False)}
        return {**self.section.changed(album, view, tags, form), **own}


def _most_probable(album: Album) -> list[str]:
    """Tags with the highest probability in any photo."""
    best = album.probabilities().max(axis=0, initial=0)
    return [album.vocabulary.tags[index] for index in (-best).argsort(kind="stable")[:MAX_CHOICES]]
