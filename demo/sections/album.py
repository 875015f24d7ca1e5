"""The tab of many photos: tag them, look at them as a gallery or as a table, filter them, judge their tags."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from demo.core.album import Album, every, filtered, tag_album, tag_counts
from demo.core.album_files import find_file
from demo.core.album_view import AlbumView
from demo.core.edits import Edits
from demo.core.feature_cache import FeatureCache
from demo.core.texts import input_error, say
from demo.core.workbench import Workbench
from demo.sections.album_thresholds import QUICK, ThresholdPanel
from demo.sections.export import ExportPanel
from demo.sections.languages import choices, tag_label, wording
from demo.sections.parts import PRIVATE, SERIAL, Update, errors_shown_in, html
from demo.sections.photo import PhotoSection
from demo.sections.winners import WinnersPanel
from demo.server.uploads import uploaded
from demo.views import album as views
from demo.views.page import introduction, notice
from ram.images.opening import SUFFIXES

AT_ONCE = 2
"""Albums that are tagged at the same time; further visitors wait."""
MAX_EXAMPLES = 8
"""Example photos of an album to try, the first ones."""


class AlbumSection:
    """Components and event handlers.

    Args:
        bench: models and describers.
        examples: photos to try.
        describers: label by name, the default first.
    """

    def __init__(self, bench: Workbench, examples: Sequence[Path], describers: Mapping[str, str]) -> None:
        self.bench = bench
        self.examples = list(examples)[:MAX_EXAMPLES]
        self.tagger = bench.taggers[0]
        self.cache = FeatureCache()
        self.album, self.view, self.stopping = gr.State(), gr.State(AlbumView()), gr.State()
        with gr.Column(elem_classes="sheet", elem_id="album-panel"):
            html(introduction(say("album_heading"), say("album_intro")), None, "album_give")
            with gr.Row(elem_id="album-give"):
                with gr.Row(elem_id="album-choose"):
                    self.files = gr.UploadButton(
                        wording("choose_photos"), file_count="multiple", file_types=["image", ".zip", *SUFFIXES],
                        variant="primary", min_width=190, elem_id="album-files",
                    )  # fmt: skip
                    self.folder = gr.UploadButton(
                        wording("choose_folder"), file_count="directory", min_width=150, elem_id="album-folder"
                    )
                self.try_examples = gr.Button(wording("try_examples"), min_width=190, elem_id="album-examples")
                self.stop = gr.Button(
                    wording("stop"), variant="stop", min_width=90, visible=False, elem_id="album-stop"
                )
            self.progress = html("", "album-progress")
            self.notice = html("", "album-notice")
        with gr.Row(elem_id="album-results", visible=False) as self.results:
            with gr.Column(scale=4, min_width=280, elem_id="album-controls"):
                self.thresholds = ThresholdPanel(self)
                self.export = ExportPanel(bench.captioner, bench.judge)
            with gr.Column(scale=8, min_width=300, elem_id="album-shown"):
                with gr.Column(elem_classes="sheet", elem_id="album-photos"):
                    self.form = gr.Radio(
                        choices({form: form for form in (views.GALLERY, views.TABLE)}), value=views.GALLERY,
                        label=wording("show_as"), elem_id="album-form",
                    )  # fmt: skip
                    self.filter = gr.Dropdown([], multiselect=True, label=wording("show_with"), elem_id="album-filter")
                    self.photos = html("", "album-table", "album")
                self.winners = WinnersPanel(bench, describers, self.cache)
        self.shown = [self.album, self.view, self.filter, self.form]
        self.outputs = [
            *self.shown, self.progress, self.notice, self.stopping, self.results, self.photos, self.stop,
            self.export.saved, *self.thresholds.outputs, *self.winners.outputs,
        ]  # fmt: skip

    def wire(self) -> None:
        """Connect events to handlers."""
        given: dict[str, Any] = {
            **PRIVATE, "preprocess": False, "show_progress": "hidden", "trigger_mode": "once",
            "concurrency_id": "album", "concurrency_limit": AT_ONCE,
        }  # fmt: skip
        self.files.upload(self.on_files, [self.files, self.form], self.outputs, **given)
        self.folder.upload(self.on_files, [self.folder, self.form], self.outputs, **given)
        self.try_examples.click(self.on_examples, self.form, self.outputs, **given)
        self.stop.click(
            self.on_stop, self.stopping, self.stop, queue=False, preprocess=False, show_progress="hidden", **PRIVATE
        )
        self.form.input(self.on_form, self.shown, self.outputs, trigger_mode="always_last", **QUICK)
        self.filter.input(self.on_filter, self.shown, self.outputs, trigger_mode="always_last", **QUICK)
        self.photos.click(self.on_photos, self.shown, self.outputs, trigger_mode="multiple", **QUICK)
        self.thresholds.wire()
        self.export.wire(self.album, self.view, self.filter)
        self.winners.wire(self.album)

    def wire_opening(self, section: PhotoSection, tabs: gr.Tabs) -> None:
        """Show a photo of the album in the tab of one photo when it is clicked."""
        self.section, self.tabs = section, tabs
        opened = self.photos.select(
            self.on_open, [self.album, section.why.edits], [tabs, *section.photo_side, self.notice],
            show_progress_on=section.tags, **SERIAL, **PRIVATE,
        )  # fmt: skip
        section.wire_score(opened)

    @errors_shown_in("notice")
    def on_files(self, uploads: Sequence[Mapping[str, Any]] | None, form: str) -> Iterator[Update]:
        """Photos were uploaded; gradio itself would accept any path."""
        yield from self.run([uploaded(one, self.files.GRADIO_CACHE) for one in uploads or ()], form)

    def on_examples(self, form: str) -> Iterator[Update]:
        """The example photos were chosen."""
        yield from self.run(self.examples, form)

    def run(self, files: Sequence[Path], form: str) -> Iterator[Update]:
        """Tag photos: update the album after each photo, and the page at intervals and at the end."""
        due, stopping = every(), threading.Event()
        albums: list[Album] = []
        yield from self._tag(files, form, due, stopping, albums)
        if albums:
            yield self.updated(albums[-1], AlbumView(), [], form)

    @errors_shown_in("notice")
    def _tag(
        self, files: Sequence[Path], form: str, due: Callable[[], bool], stopping: threading.Event, albums: list[Album]
    ) -> Iterator[Update]:
        """Tag photos until all are done or the run is stopped; the latest album replaces the one in the list.

        The album of before stays where no photo can be read.
        """
        fresh: Update = {
            self.stopping: stopping, self.view: AlbumView(), self.filter: [], self.notice: "",
            **self.thresholds.fresh(), **self.winners.empty(), **self.export.empty(),
        }  # fmt: skip
        for album in tag_album(self.tagger, files, self.cache):
            if not album.photos:  # until a photo can be read, the album of before stays
                if album.done == album.total:
                    yield {self.notice: notice(album.faults)}
                continue
            update: Update = {self.album: album}
            if not albums:
                update |= fresh
            albums[:] = [album]
            if due():
                update |= self.updated(album, AlbumView(), [], form, running=True)
            yield update
            if stopping.is_set():
                return

    def on_stop(self, stopping: threading.Event | None) -> Update:
        """Stop the run after the present photo; finished photos stay."""
        if stopping is not None:
            stopping.set()
        return {self.stop: gr.Button(interactive=False)}

    @errors_shown_in("notice")
    def on_form(self, album: Album | None, view: AlbumView, tags: list[str], form: str) -> Update:
        """Gallery or table was chosen."""
        return self.changed(album, view, tags, form)

    @errors_shown_in("notice")
    def on_filter(self, album: Album | None, view: AlbumView, tags: list[str], form: str) -> Update:
        """The filter was changed."""
        return self.changed(album, replace(view, page=0), tags, form)

    @errors_shown_in("notice")
    def on_photos(
        self, album: Album | None, view: AlbumView, tags: list[str], form: str, clicked: gr.EventData
    ) -> Update:
        """Another page was chosen, or a thumb was given or taken back."""
        number, photo = str(getattr(clicked, "page", "")), str(getattr(clicked, "photo", ""))
        if number.isdecimal():
            return self.changed(album, replace(view, page=int(number[:6])), tags, form)
        tag, thumb = str(getattr(clicked, "tag", "")), str(getattr(clicked, "thumb", ""))
        if album is None or not photo.isdecimal() or int(photo[:6]) >= len(album.photos) or tag not in album.vocabulary:
            return gr.skip()
        right = {"up": True, "down": False}.get(thumb)
        return self.changed(album, view.with_thumb(int(photo[:6]), tag, right), tags, form)

    @errors_shown_in("notice")
    def on_open(self, album: Album | None, edits: Edits, clicked: gr.EventData) -> Iterator[Update]:
        """A photo was clicked: tag it in the tab of one photo; the album stays as it is."""
        number = str(getattr(clicked, "photo", ""))
        if album is None:
            raise input_error("forgotten")
        if not number.isdecimal() or int(number[:6]) >= len(album.photos):
            yield {self.notice: ""}  # gradio empties every output of a generator that yields nothing
        else:
            path = find_file(album.photos[int(number[:6])], Path(self.files.GRADIO_CACHE))
            if path not in self.examples:
                self.files.temp_files.add(str(path))  # deleted like uploads
            yield {self.tabs: gr.Tabs(selected="photo"), self.notice: ""}
            yield from self.section.tag(path, edits)

    def changed(self, album: Album | None, view: AlbumView, tags: list[str] | None, form: str) -> Update:
        """Show the same scores in another view.

        Raises:
            InputError: the album is no longer kept.
        """
        if album is None:
            raise input_error("forgotten")
        return {**self.updated(album, view, tags, form), self.view: view, self.notice: ""}

    def updated(
        self, album: Album, view: AlbumView, tags: list[str] | None, form: str, running: bool = False
    ) -> Update:
        """New values of the components that show an album."""
        vocabulary, tags = view.thresholds.apply(album.vocabulary), tags or []
        indices = filtered(album, vocabulary, tags, view.thumbs)
        update: Update = {
            self.progress: views.progress(album, running),
            self.stop: gr.Button(interactive=True, visible=running),
            self.results: gr.Row(visible=bool(album.photos)),
            self.winners.panel: gr.Column(visible=bool(album.photos) and not running),
            self.photos: views.photos(album, vocabulary, indices, view.page, view.thumbs, form, running),
        }
        if not running:
            counts = tag_counts(album, vocabulary, view.thumbs)
            counts |= {tag: 0 for tag in tags if tag not in counts and tag in vocabulary}
            choices = [(f"{tag_label(tag)} ({count})", tag) for tag, count in counts.items()]
            update[self.filter] = gr.Dropdown(choices=choices)
            update |= self.thresholds.updated(album, view)
        return update
