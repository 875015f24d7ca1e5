"""The tab of many photos: tag them, filter them, and change thresholds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from demo.core.album import Album, Thumbs, every, filtered, tag_album, tag_counts
from demo.core.album_thresholds import Thresholds, calibrated
from demo.core.feature_cache import FeatureCache
from demo.core.workbench import Workbench
from demo.sections.export import ExportPanel
from demo.sections.parts import FORGOTTEN, PRIVATE, Update, errors_shown_in, html
from demo.sections.winners import WinnersPanel
from demo.server.uploads import uploaded
from demo.views import album as views
from demo.views.page import introduction
from ram.errors import InputError
from ram.images.opening import SUFFIXES

AT_ONCE = 2
"""Albums that are tagged at the same time; further visitors wait."""
MAX_CHOICES = 200
"""Tags offered for a threshold of their own, the most probable first; others can be typed."""

INTRODUCTION = """A folder, several photos, or a zip archive of them becomes a table of tags, up to 500 photos at a
time. Uploads are deleted after an hour."""
THUMBS = """Mark with the thumbs beside the tags which are right and which are wrong. Thresholds that contradict a thumb
are chosen again, from your thumbs alone."""
EACH, SHARED = "each tag's own", "one for all tags"


class AlbumSection:
    """Components and event handlers.

    Args:
        bench: models and describers.
        examples: photos to try.
        describers: label by name, the default first.
    """

    def __init__(self, bench: Workbench, examples: Sequence[Path], describers: Mapping[str, str]) -> None:
        self.bench = bench
        self.examples = list(examples)
        self.tagger = bench.taggers[0]
        self.cache = FeatureCache()
        self.album, self.thumbs, self.page = gr.State(), gr.State({}), gr.State(0)
        self.thresholds, self.stopping = gr.State(Thresholds()), gr.State()
        with gr.Column(elem_classes="sheet", elem_id="album-panel"):
            html(introduction("Many photos", INTRODUCTION))
            with gr.Row(elem_id="album-give"):
                self.files = gr.UploadButton(
                    "Choose photos or a zip", file_count="multiple", file_types=["image", ".zip", *SUFFIXES],
                    variant="primary", min_width=190, elem_id="album-files",
                )  # fmt: skip
                self.folder = gr.UploadButton(
                    "Choose a folder", file_count="directory", min_width=150, elem_id="album-folder"
                )
                self.try_examples = gr.Button("Try the example photos", min_width=190, elem_id="album-examples")
                self.stop = gr.Button("Stop", variant="stop", min_width=90, visible=False, elem_id="album-stop")
            self.progress = html("", "album-progress")
            self.notice = html("", "album-notice")
        with gr.Row(elem_id="album-results", visible=False) as self.results:
            with gr.Column(scale=4, min_width=280, elem_id="album-controls"):
                self._lay_out_controls()
            with gr.Column(scale=8, min_width=300, elem_classes="sheet", elem_id="album-photos"):
                self.filter = gr.Dropdown([], multiselect=True, label="Show photos with", elem_id="album-filter")
                self.table = html("", "album-table", "album")
        self.winners = WinnersPanel(bench, describers, self.cache)

    def _lay_out_controls(self) -> None:
        with gr.Column(elem_classes="sheet"):
            html(introduction("Thresholds", level=3))
            self.kind = gr.Radio([EACH, SHARED], value=EACH, label="A tag shows over", elem_id="album-kind")
            self.shared = gr.Slider(
                0, 1, 0.5, step=0.01, label="Threshold for all tags", interactive=False, elem_id="album-shared"
            )
            self.tag = gr.Dropdown([], label="Only for the tag", allow_custom_value=True, elem_id="album-tag")
            self.single = gr.Slider(0, 1, 0.5, step=0.01, label="Its threshold", elem_id="album-single")
            self.singles = html("", "album-singles", "album")
        with gr.Column(elem_classes="sheet"):
            html(introduction("Calibrate on my photos", THUMBS, level=3))
            self.calibrate = gr.Button("Calibrate", elem_id="album-calibrate")
            self.calibration = html("", "album-calibration")
        self.export = ExportPanel()

    def wire(self) -> None:
        """Connect events to handlers."""
        # preprocess=False: gradio would refuse values with its own messages
        quick: dict[str, Any] = {**PRIVATE, "preprocess": False, "show_progress": "hidden"}
        shown = [self.album, self.thresholds, self.thumbs, self.page, self.filter, self.kind, self.shared]
        outputs = [
            *shown, self.progress, self.notice, self.stopping, self.results, self.table, self.tag, self.singles,
            self.calibration, self.stop, self.export.saved, *self.winners.outputs,
        ]  # fmt: skip
        in_turn: dict[str, Any] = {"concurrency_id": "album", "concurrency_limit": AT_ONCE, "trigger_mode": "once"}
        self.files.upload(self.on_files, self.files, outputs, **in_turn, **quick)
        self.folder.upload(self.on_files, self.folder, outputs, **in_turn, **quick)
        self.try_examples.click(self.on_examples, None, outputs, **in_turn, **quick)
        self.stop.click(self.on_stop, self.stopping, self.stop, queue=False, **quick)
        moved: dict[str, Any] = {"trigger_mode": "always_last", **quick}
        gr.on([self.kind.input, self.shared.input], self.on_shared, shown, outputs, **moved)
        self.single.input(self.on_single, [*shown, self.tag, self.single], outputs, **moved)
        self.tag.input(self.on_tag, [self.album, self.thresholds, self.tag], [self.single], **moved)
        self.singles.click(self.on_remove, shown, outputs, **moved)
        self.filter.input(self.on_filter, shown, outputs, **moved)
        self.table.click(
            self.on_table,
            shown,
            outputs,
            trigger_mode="multiple",
            concurrency_id="thumbs",
            concurrency_limit=1,
            **quick,
        )
        self.calibrate.click(self.on_calibrate, shown, outputs, **moved)
        self.export.wire(self.album, self.thresholds, self.thumbs, self.filter)
        self.winners.wire(self.album)

    @errors_shown_in("notice")
    def on_files(self, uploads: Sequence[Mapping[str, Any]] | None) -> Iterator[Update]:
        """Photos were uploaded; gradio itself would accept any path."""
        yield from self.run([uploaded(one, self.files.GRADIO_CACHE) for one in uploads or ()])

    def on_examples(self) -> Iterator[Update]:
        """The example photos were chosen."""
        yield from self.run(self.examples)

    def run(self, files: Sequence[Path]) -> Iterator[Update]:
        """Tag photos: update the album after each photo, and the page at intervals and at the end."""
        due, stopping = every(), threading.Event()
        albums: list[Album] = []
        yield from self._tag(files, due, stopping, albums)
        if albums:
            yield self._shown(albums[-1], Thresholds(), {}, 0, [])

    @errors_shown_in("notice")
    def _tag(
        self, files: Sequence[Path], due: Callable[[], bool], stopping: threading.Event, albums: list[Album]
    ) -> Iterator[Update]:
        """Tag photos until all are done or the run is stopped; the latest album replaces the one in the list."""
        fresh: Update = {
            self.stopping: stopping, self.thresholds: Thresholds(), self.thumbs: {}, self.page: 0, self.filter: [],
            self.kind: EACH, self.shared: gr.Slider(interactive=False), self.notice: "", self.calibration: "",
            **self.winners.empty(), **self.export.empty(),
        }  # fmt: skip
        for album in tag_album(self.tagger, files, self.cache):
            albums[:] = [album]
            update: Update = {self.album: album}
            if album.done == 0:
                update |= fresh
            if due():
                update |= self._shown(album, Thresholds(), {}, 0, [], running=True)
            yield update
            if stopping.is_set():
                return

    def on_stop(self, stopping: threading.Event | None) -> Update:
        """Stop the run after the present photo; finished photos stay."""
        if stopping is not None:
            stopping.set()
        return {self.stop: gr.Button(interactive=False)}

    @errors_shown_in("notice")
    def on_shared(
        self, album: Album | None, thresholds: Thresholds, thumbs: Thumbs, page: int, tags: list[str], kind: str,
        value: float,
    ) -> Update:  # fmt: skip
        """The kind of threshold or the shared threshold was changed."""
        shared = float(value) if kind == SHARED else None
        changed = self._changed(album, thumbs, page, tags, lambda: replace(thresholds, shared=shared))
        return {**changed, self.shared: gr.Slider(interactive=kind == SHARED)}

    @errors_shown_in("notice")
    def on_single(
        self, album: Album | None, thresholds: Thresholds, thumbs: Thumbs, page: int, tags: list[str], kind: str,
        shared: float, tag: str | None, value: float,
    ) -> Update:  # fmt: skip
        """The threshold of one tag was changed."""

        def change() -> Thresholds:
            if not tag:
                raise InputError("choose a tag first: the slider sets the threshold of that tag only")
            known = album.vocabulary.find(str(tag)) if album is not None else None
            if known is None:
                raise InputError(f"{tag} is not a tag of this model: choose one from the list")
            return thresholds.with_single(known, value)

        return self._changed(album, thumbs, page, tags, change)

    def on_tag(self, album: Album | None, thresholds: Thresholds, tag: str | None) -> Update:
        """A tag was chosen: show its threshold on the slider."""
        known = album.vocabulary.find(str(tag)) if album is not None else None
        if album is None or known is None:
            return gr.skip()
        vocabulary = thresholds.apply(album.vocabulary)
        return {self.single: vocabulary.thresholds[vocabulary.id(known)]}

    @errors_shown_in("notice")
    def on_remove(
        self, album: Album | None, thresholds: Thresholds, thumbs: Thumbs, page: int, tags: list[str], kind: str,
        shared: float, clicked: gr.EventData,
    ) -> Update:  # fmt: skip
        """The threshold of one tag was removed."""
        tag = str(getattr(clicked, "tag", ""))
        return self._changed(album, thumbs, page, tags, lambda: thresholds.with_single(tag, None))

    @errors_shown_in("notice")
    def on_filter(
        self, album: Album | None, thresholds: Thresholds, thumbs: Thumbs, page: int, tags: list[str], *_: Any
    ) -> Update:
        """The filter was changed."""
        return self._changed(album, thumbs, 0, tags, lambda: thresholds)

    @errors_shown_in("notice")
    def on_table(
        self, album: Album | None, thresholds: Thresholds, thumbs: Thumbs, page: int, tags: list[str], kind: str,
        shared: float, clicked: gr.EventData,
    ) -> Update:  # fmt: skip
        """Another page was chosen, or a thumb was given, which the browser shows already."""
        number, photo = str(getattr(clicked, "page", "")), str(getattr(clicked, "photo", ""))
        if number.isdecimal():
            return self._changed(album, thumbs, int(number[:6]), tags, lambda: thresholds)
        tag, thumb = str(getattr(clicked, "tag", "")), str(getattr(clicked, "thumb", ""))
        if album is None or not photo.isdecimal() or int(photo[:6]) >= len(album.photos) or tag not in album.vocabulary:
            return gr.skip()
        key = (int(photo[:6]), tag)
        others = {other: right for other, right in thumbs.items() if other != key}
        return {self.thumbs: {**others, key: thumb == "up"} if thumb in ("up", "down") else others}

    @errors_shown_in("notice")
    def on_calibrate(
        self, album: Album | None, thresholds: Thresholds, thumbs: Thumbs, page: int, tags: list[str], *_: Any
    ) -> Update:
        """Change thresholds to agree with the thumbs, and use each tag's own."""

        def change() -> Thresholds:
            assert album is not None
            return replace(thresholds, shared=None, calibrated=calibrated(album, thumbs))

        changed = self._changed(album, thumbs, page, tags, change)
        if album and (after := changed.get(self.thresholds)) is not None:
            shown = views.calibration(album.vocabulary, after.calibrated, thumbs)
            changed |= {self.calibration: shown, self.kind: EACH, self.shared: gr.Slider(interactive=False)}
        return changed

    def _changed(
        self, album: Album | None, thumbs: Thumbs, page: int, tags: list[str], change: Callable[[], Thresholds]
    ) -> Update:
        """Show the same scores with other thresholds, another page or filter."""
        if album is None:
            raise InputError(FORGOTTEN)
        thresholds = change()
        return {**self._shown(album, thresholds, thumbs, page, tags), self.thresholds: thresholds, self.notice: ""}

    def _shown(
        self, album: Album, thresholds: Thresholds, thumbs: Thumbs, page: int, tags: list[str] | None,
        running: bool = False,
    ) -> Update:  # fmt: skip
        vocabulary = thresholds.apply(album.vocabulary)
        update: Update = {
            self.progress: views.progress(album, running),
            self.stop: gr.Button(interactive=True, visible=running),
            self.results: gr.Row(visible=bool(album.photos)),
            self.winners.panel: gr.Column(visible=bool(album.photos) and not running),
            self.table: views.table(album, vocabulary, filtered(album, vocabulary, tags or []), page, thumbs),
            self.singles: views.single_thresholds(thresholds),
            self.page: page,
        }
        if not running:
            counts = tag_counts(album, vocabulary)
            choices = [(f"{tag} ({count})", tag) for tag, count in counts.items()]
            choices += [(f"{tag} (0)", tag) for tag in tags or [] if tag not in counts and tag in vocabulary]
            update[self.filter] = gr.Dropdown(choices=choices)
            update[self.tag] = gr.Dropdown(choices=_most_probable(album))
        return update


def _most_probable(album: Album) -> list[str]:
    """Tags with the highest probability in any photo."""
    best = album.probabilities().max(axis=0, initial=0)
    return [album.vocabulary.tags[index] for index in (-best).argsort(kind="stable")[:MAX_CHOICES]]
