"""The section of many photos: tag them, filter them, move thresholds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from demo.core.actions import Workbench, explain
from demo.core.album import Album, Thumbs, filtered, pacer, tag_album, tag_counts
from demo.core.album_thresholds import Thresholds, calibrated
from demo.core.feature_cache import FeatureShelf
from demo.sections.parts import FORGOTTEN, OWN, Update, html
from demo.sections.take_home import TakeHomePanel
from demo.sections.winners import WinnersPanel
from demo.server.uploads import uploaded
from demo.views import album_markup, markup
from ram.errors import InputError

AT_ONCE = 2
"""Albums that are tagged at the same time; further visitors wait for their turn."""
MOST_CHOICES = 200
"""Tags that are offered for a threshold of their own, the likeliest first; others can be typed."""

INTRODUCTION = """<h2>Many photos</h2><p class="hint">A folder, several photos, or a zip archive of them becomes a table
of tags, up to 500 photos at a time. The page works on with what the model saw; uploads go after an hour.</p>"""
THUMBS = """<h3>Calibrate on my photos</h3><p class="hint">Say with the thumbs beside the tags what is right and what is
wrong. Thresholds that contradict a thumb are chosen anew, by your thumbs alone.</p>"""
EACH, SHARED = "each tag's own", "one for all tags"

ON_TABLE = """
element.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (!button || button.disabled) return;
  if (button.dataset.page) trigger('click', {page: button.dataset.page});
  if (!button.dataset.photo) return;
  const taken = button.getAttribute('aria-pressed') === 'true';
  for (const one of button.parentElement.querySelectorAll('button'))
    one.setAttribute('aria-pressed', one === button && !taken);
  trigger('click', {photo: button.dataset.photo, tag: button.dataset.tag, right: taken ? '' : button.dataset.right});
});
"""
ON_SINGLES = """
element.addEventListener('click', event => {
  const button = event.target.closest('button[data-untag]');
  if (button) trigger('click', {tag: button.dataset.untag});
});
"""


class AlbumSection:
    """The components, in the order they stand, and what their events change."""

    def __init__(self, bench: Workbench, examples: Sequence[Path], describers: Mapping[str, str]) -> None:
        self.bench = bench
        self.examples = list(examples)
        self.tagger = bench.taggers[0]
        self.shelf = FeatureShelf()
        self.album, self.thumbs, self.page = gr.State(), gr.State({}), gr.State(0)
        self.thresholds, self.stopping = gr.State(Thresholds()), gr.State()
        with gr.Column(elem_classes="sheet", elem_id="album-panel"):
            html(INTRODUCTION)
            with gr.Row(elem_id="album-give"):
                self.files = gr.UploadButton(
                    "Choose photos or a zip", file_count="multiple", file_types=["image", ".zip"],
                    variant="primary", min_width=190, elem_id="album-files",
                )  # fmt: skip
                self.folder = gr.UploadButton(
                    "Choose a folder", file_count="directory", min_width=150, elem_id="album-folder"
                )
                self.tried = gr.Button("Try the example photos", min_width=190, elem_id="album-examples")
                self.stop = gr.Button("Stop", variant="stop", min_width=90, visible=False, elem_id="album-stop")
            self.progress = html("", "album-progress")
            self.notice = html("", "album-notice")
        with gr.Row(elem_id="album-results", visible=False) as self.results:
            with gr.Column(scale=4, min_width=280, elem_id="album-controls"):
                self._lay_out_controls()
            with gr.Column(scale=8, min_width=300, elem_classes="sheet", elem_id="album-photos"):
                self.filter = gr.Dropdown([], multiselect=True, label="Show photos with", elem_id="album-filter")
                self.table = html("", "album-table", ON_TABLE)
        self.over = WinnersPanel(bench, describers, self.shelf)

    def _lay_out_controls(self) -> None:
        with gr.Column(elem_classes="sheet"):
            html("<h3>Thresholds</h3>")
            self.kind = gr.Radio([EACH, SHARED], value=EACH, label="A tag shows over", elem_id="album-kind")
            self.shared = gr.Slider(
                0, 1, 0.5, step=0.01, label="Threshold for all tags", interactive=False, elem_id="album-shared"
            )
            self.tag = gr.Dropdown([], label="Only for the tag", allow_custom_value=True, elem_id="album-tag")
            self.single = gr.Slider(0, 1, 0.5, step=0.01, label="Its threshold", elem_id="album-single")
            self.singles = html("", "album-singles", ON_SINGLES)
        with gr.Column(elem_classes="sheet"):
            html(THUMBS)
            self.calibrate = gr.Button("Calibrate", elem_id="album-calibrate")
            self.calibration = html("", "album-calibration")
        self.home = TakeHomePanel()

    def wire(self) -> None:
        """Connect events to what they do."""
        # preprocess=False: gradio would refuse in its own words what these functions refuse in ours
        quick: dict[str, Any] = {**OWN, "preprocess": False, "show_progress": "hidden"}
        shown = [self.album, self.thresholds, self.thumbs, self.page, self.filter, self.kind, self.shared]
        outputs = [
            *shown, self.progress, self.notice, self.stopping, self.results, self.table, self.tag, self.singles,
            self.calibration, self.stop, self.home.saved, *self.over.outputs,
        ]  # fmt: skip
        in_turn: dict[str, Any] = {"concurrency_id": "album", "concurrency_limit": AT_ONCE, "trigger_mode": "once"}
        self.files.upload(self.on_files, self.files, outputs, **in_turn, **quick)
        self.folder.upload(self.on_files, self.folder, outputs, **in_turn, **quick)
        self.tried.click(self.on_examples, None, outputs, **in_turn, **quick)
        self.stop.click(self.on_stop, self.stopping, self.stop, queue=False, **quick)
        moved: dict[str, Any] = {"trigger_mode": "always_last", **quick}
        gr.on([self.kind.input, self.shared.input], self.on_shared, shown, outputs, **moved)
        self.single.input(self.on_single, [*shown, self.tag, self.single], outputs, **moved)
        self.tag.input(self.on_tag, [self.album, self.thresholds, self.tag], [self.single], **moved)
        self.singles.click(self.on_untag, shown, outputs, **moved)
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
        self.home.wire(self.album, self.thresholds, self.filter)
        self.over.wire(self.album)

    def on_files(self, uploads: Sequence[Mapping[str, Any]] | None) -> Iterator[Update]:
        """Files in gradio's upload folder; gradio itself would take any path."""
        try:
            files = [uploaded(one, self.files.GRADIO_CACHE) for one in uploads or ()]
        except InputError as error:
            yield {self.notice: markup.notice([explain(error)])}
        else:
            yield from self.run(files)

    def on_examples(self) -> Iterator[Update]:
        yield from self.run(self.examples)

    def run(self, files: Sequence[Path]) -> Iterator[Update]:
        """The album after each photo, the page now and then, and all of it at the end."""
        due, album, stopping = pacer(), None, threading.Event()
        fresh: Update = {
            self.stopping: stopping, self.thresholds: Thresholds(), self.thumbs: {}, self.page: 0, self.filter: [],
            self.kind: EACH, self.shared: gr.Slider(interactive=False), self.notice: "", self.calibration: "",
            **self.over.empty(), **self.home.empty(),
        }  # fmt: skip
        try:
            for album in tag_album(self.tagger, files, self.shelf):
                update: Update = {self.album: album}
                if album.done == 0:
                    update |= fresh
                if due():
                    update |= self._shown(album, Thresholds(), {}, 0, [], running=True)
                yield update
                if stopping.is_set():
                    break
        except Exception as error:
            yield {self.notice: markup.notice([explain(error)])}
        if album is not None:
            yield self._shown(album, Thresholds(), {}, 0, [])

    def on_stop(self, stopping: threading.Event | None) -> Update:
        """The run ends by itself after the photo it is at, with all that is done."""
        if stopping is not None:
            stopping.set()
        return {self.stop: gr.Button(interactive=False)}

    def on_shared(
        self, album: Album | None, thresholds: Thresholds, thumbs: Thumbs, page: int, tags: list[str], kind: str,
        value: float,
    ) -> Update:  # fmt: skip
        shared = float(value) if kind == SHARED else None
        changed = self._changed(album, thumbs, page, tags, lambda: replace(thresholds, shared=shared))
        return {**changed, self.shared: gr.Slider(interactive=kind == SHARED)}

    def on_single(
        self, album: Album | None, thresholds: Thresholds, thumbs: Thumbs, page: int, tags: list[str], kind: str,
        shared: float, tag: str | None, value: float,
    ) -> Update:  # fmt: skip
        def change() -> Thresholds:
            if not tag:
                raise InputError("choose a tag first: the slider sets the threshold of that one alone")
            if album is None or tag not in album.vocabulary:
                raise InputError(f"{tag} is no tag of this model: choose one of the list")
            return thresholds.with_single(str(tag), value)

        return self._changed(album, thumbs, page, tags, change)

    def on_tag(self, album: Album | None, thresholds: Thresholds, tag: str | None) -> Update:
        """The slider shows where the threshold of the chosen tag stands."""
        if album is None or tag not in album.vocabulary:
            return gr.skip()
        vocabulary = thresholds.over(album.vocabulary)
        return {self.single: vocabulary.thresholds[vocabulary.id(str(tag))]}

    def on_untag(
        self, album: Album | None, thresholds: Thresholds, thumbs: Thumbs, page: int, tags: list[str], kind: str,
        shared: float, clicked: gr.EventData,
    ) -> Update:  # fmt: skip
        tag = str(getattr(clicked, "tag", ""))
        return self._changed(album, thumbs, page, tags, lambda: thresholds.with_single(tag, None))

    def on_filter(
        self, album: Album | None, thresholds: Thresholds, thumbs: Thumbs, page: int, tags: list[str], *_: Any
    ) -> Update:
        return self._changed(album, thumbs, 0, tags, lambda: thresholds)

    def on_table(
        self, album: Album | None, thresholds: Thresholds, thumbs: Thumbs, page: int, tags: list[str], kind: str,
        shared: float, clicked: gr.EventData,
    ) -> Update:  # fmt: skip
        """Another page, or a thumb: the browser has already shown the thumb."""
        turned, photo = str(getattr(clicked, "page", "")), str(getattr(clicked, "photo", ""))
        if turned.isdecimal():
            return self._changed(album, thumbs, int(turned[:6]), tags, lambda: thresholds)
        tag, right = str(getattr(clicked, "tag", "")), str(getattr(clicked, "right", ""))
        if album is None or not photo.isdecimal() or int(photo[:6]) >= len(album.photos) or tag not in album.vocabulary:
            return gr.skip()
        key = (int(photo[:6]), tag)
        given = {held: value for held, value in thumbs.items() if held != key}
        return {self.thumbs: {**given, key: right == "up"} if right in ("up", "down") else given}

    def on_calibrate(
        self, album: Album | None, thresholds: Thresholds, thumbs: Thumbs, page: int, tags: list[str], *_: Any
    ) -> Update:
        """Back to each tag's own threshold, where the thumbs have moved it."""

        def change() -> Thresholds:
            assert album is not None
            return replace(thresholds, shared=None, calibrated=calibrated(album, thumbs))

        changed = self._changed(album, thumbs, page, tags, change)
        if album and (after := changed.get(self.thresholds)) is not None:
            told = album_markup.calibration(album.vocabulary, after.calibrated, thumbs)
            changed |= {self.calibration: told, self.kind: EACH, self.shared: gr.Slider(interactive=False)}
        return changed

    def _changed(
        self, album: Album | None, thumbs: Thumbs, page: int, tags: list[str], change: Callable[[], Thresholds]
    ) -> Update:
        """Other thresholds, another page or filter: the same scores, shown again."""
        try:
            if album is None:
                raise InputError(FORGOTTEN)
            thresholds = change()
            return {**self._shown(album, thresholds, thumbs, page, tags), self.thresholds: thresholds, self.notice: ""}
        except Exception as error:
            return {self.notice: markup.notice([explain(error)])}

    def _shown(
        self, album: Album, thresholds: Thresholds, thumbs: Thumbs, page: int, tags: list[str] | None,
        running: bool = False,
    ) -> Update:  # fmt: skip
        vocabulary = thresholds.over(album.vocabulary)
        update: Update = {
            self.progress: album_markup.progress(album, running),
            self.stop: gr.Button(interactive=True, visible=running),
            self.results: gr.Row(visible=bool(album.photos)),
            self.over.panel: gr.Column(visible=bool(album.photos) and not running),
            self.table: album_markup.table(album, vocabulary, filtered(album, vocabulary, tags or []), page, thumbs),
            self.singles: album_markup.chosen_thresholds(thresholds),
            self.page: page,
        }
        if not running:
            counts = tag_counts(album, vocabulary)
            choices = [(f"{tag} ({count})", tag) for tag, count in counts.items()]
            choices += [(f"{tag} (0)", tag) for tag in tags or [] if tag not in counts and tag in vocabulary]
            update[self.filter] = gr.Dropdown(choices=choices)
            update[self.tag] = gr.Dropdown(choices=_likeliest(album))
        return update


def _likeliest(album: Album) -> list[str]:
    best = album.probabilities().max(axis=0, initial=0)
    return [album.vocabulary.tags[place] for place in (-best).argsort(kind="stable")[:MOST_CHOICES]]
