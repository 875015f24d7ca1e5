"""The tab of one photo: its tags, and the visitor's own categories."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from demo.core.categories import Categories
from demo.core.edits import Edits
from demo.core.examples import Example
from demo.core.messages import message
from demo.core.pack_upload import add_pack
from demo.core.photos import Photo, Scores, Tagged
from demo.core.workbench import Workbench, throttle
from demo.sections.parts import MAX_DESCRIBING, PRIVATE, SERIAL, Update, errors_shown_in, html
from demo.sections.why import Subject, WhyPanel
from demo.server.uploads import uploaded
from demo.server.visitors import visitor_of
from demo.views import photo as views
from demo.views.page import allowance, introduction, notice
from ram.checkpoints.registry import model_entries
from ram.errors import RamError

STILL_THE_LAST = "These are still the results of {}: the last input could not be scored."
ASK_FOR_A_PHOTO = "Choose a photo to see how likely each category is: what you typed is kept for it."
OWN_CATEGORIES = """Anything you can name, separated by commas. The photo is compared with sentences that describe them;
no model is trained again."""

_log = logging.getLogger(__name__)


class PhotoSection:
    """Components and event handlers.

    Args:
        bench: models and describers.
        examples: photos to try; the first one is tagged as the page starts.
        describers: label by name, the default first.
        hint: a sentence about describers that are not available.
    """

    def __init__(self, bench: Workbench, examples: Sequence[Example], describers: Mapping[str, str], hint: str) -> None:
        self.bench = bench
        self.has_language_model = "openai" in describers
        self.labels = bench.labels
        self.examples = {example.path.name: example.path for example in examples}

        path = examples[0].path if examples else None
        first = _first_look(bench, path)
        self.looked, self.typed = gr.State(first and first.photo), gr.State()  # Photo and Categories, or None
        with gr.Row(elem_id="look"):
            with gr.Column(scale=5, min_width=300, elem_id="given"):
                with gr.Column(elem_classes="sheet", elem_id="photo-panel"):
                    self.photo = gr.Image(
                        type="filepath", image_mode=None, sources=["upload"], format="jpeg", height=320, buttons=[],
                        label="Photo", show_label=False, elem_id="photo", alt_text="The photo to be tagged",
                        placeholder="Drop, paste or choose a photo",
                        value=first.preview if first else None,
                    )  # fmt: skip
                    html(views.choose(), "choose", "choose")
                    self.photo_notice = html("", "photo-notice")
                    self.strip = html(views.examples(examples), "examples", "photo")
                with gr.Column(elem_classes="sheet", elem_id="ask-panel"):
                    self._lay_out_categories(describers, hint)
            with gr.Column(scale=5, min_width=280, elem_classes="sheet", elem_id="tags-panel"):
                html(introduction("Tags"))
                self.tags = html(views.tags(first.photo) if first else views.no_tags(), "tags", "photo")
                html(views.scope(bench.taggers[0].name in _shipped()), "scope")
            with gr.Column(scale=7, min_width=300, elem_classes="sheet", elem_id="why-panel"):
                self.why = WhyPanel(bench, self.typed, first)
        with gr.Column(elem_classes="sheet", elem_id="results"):
            self.stale = html("", "stale")
            self.plot = html("", "plot")
            self.cards = html("", "cards", "photo", "cards")
        self.photo_side = [self.looked, self.photo, self.tags, self.photo_notice, *self.why.outputs]
        self.typed_side = [self.typed, self.stale, self.plot, self.cards, self.typed_notice, self.meter]

    def _lay_out_categories(self, describers: Mapping[str, str], hint: str) -> None:
        html(introduction("Your own categories", OWN_CATEGORIES))
        with gr.Row(elem_id="ask"):
            self.box = gr.Textbox(
                label="Categories", show_label=False, placeholder="corgi, meteor shower", max_lines=1, scale=4,
                min_width=180, elem_id="categories",
            )  # fmt: skip
            self.button = gr.Button("Score", variant="primary", scale=1, min_width=96, elem_id="score")
        self.describer = gr.Radio(
            [(label, name) for name, label in describers.items()], value=next(iter(describers)),
            label="Described by", info=hint or None, elem_id="describer",
        )  # fmt: skip
        self.pack = gr.UploadButton(
            "Add a tag pack", file_types=[".tagpack"], size="sm", min_width=120, elem_id="pack"
        )
        self.pack_path = gr.State()  # of the last uploaded pack
        self.meter = html("", "meter")
        self.typed_notice = html("", "typed-notice")

    def wire(self) -> None:
        """Connect events to handlers; every change of the photo or the categories ends with scoring."""
        photo_side, typed_side = self.photo_side, self.typed_side
        # preprocess=False: gradio would open the file itself, without our limits and error messages
        given = self.photo.upload(
            self.on_photo, [self.photo, self.looked, self.why.edits], photo_side, preprocess=False,
            show_progress_on=self.tags, **SERIAL, **PRIVATE,
        )  # fmt: skip
        picked = self.strip.click(
            self.on_example, self.why.edits, photo_side, show_progress_on=self.tags, **SERIAL, **PRIVATE
        )
        removed = self.photo.clear(self.no_photo, None, photo_side, show_progress="hidden", **SERIAL, **PRIVATE)
        asked = gr.on(
            [self.box.submit, self.button.click], self.on_categories,
            [self.box, self.describer, self.looked, self.typed], typed_side, show_progress_on=self.cards,
            trigger_mode="always_last", concurrency_limit=MAX_DESCRIBING, **PRIVATE,
        )  # fmt: skip
        why: dict[str, Any] = {"show_progress_on": self.why.panel, **SERIAL, **PRIVATE}
        self.tags.click(self.on_tag, [self.looked, self.why.edits], self.why.outputs, **why)
        self.cards.click(self.on_card, [self.looked, self.typed], self.why.outputs, **why)
        meant = self.cards.submit(
            self.on_meaning, [self.typed, self.describer, self.looked], typed_side, show_progress="hidden",
            trigger_mode="always_last", concurrency_limit=MAX_DESCRIBING, **PRIVATE,
        )  # fmt: skip
        edited = self.why.wire(self.looked)
        packed = self.pack.upload(
            self.on_pack, self.pack, [self.pack_path, self.typed_notice], preprocess=False, show_progress="hidden",
            cancels=[asked, meant], **PRIVATE,
        ).then(
            self.open_pack, [self.pack_path, self.typed, self.looked], [self.pack_path, *typed_side],
            show_progress_on=self.cards, **SERIAL, **PRIVATE,
        )  # fmt: skip
        for event in (given, picked, removed, asked, meant, edited, packed):
            self.wire_score(event)

    def wire_score(self, event: Any) -> None:
        """Score the categories after an event."""
        inputs = [self.looked, self.typed, self.why.subject, self.why.edits]
        outputs = [*self.typed_side, self.tags]
        event.then(self.score, inputs, outputs, show_progress="hidden", **SERIAL, **PRIVATE)

    @errors_shown_in("photo_notice")
    def on_photo(self, upload: Mapping[str, Any] | None, photo: Photo | None, edits: Edits) -> Iterator[Update]:
        """A photo was uploaded; gradio itself would accept any path. After an error the photo before is shown again."""
        if not upload:
            return
        try:
            for update in self.tag(uploaded(upload, self.photo.GRADIO_CACHE), edits):
                photo = update[self.looked]
                yield update
        except Exception:
            yield {self.photo: photo and photo.picture()}
            raise

    @errors_shown_in("photo_notice")
    def on_example(self, edits: Edits, chosen: gr.EventData) -> Iterator[Update]:
        """An example was chosen; any other name is ignored."""
        if path := self.examples.get(str(getattr(chosen, "name", ""))):
            yield from self.tag(path, edits)

    def tag(self, path: str | Path, edits: Edits, chosen: str = "") -> Iterator[Update]:
        """Show the tags after the first model has looked; the features follow as each further model has.

        The chosen tag is explained, or the most probable one if the model has no such tag.

        Raises:
            ImageError: the photo cannot be used.
        """
        known = chosen if chosen in self.bench.taggers[0].bank.vocabulary else ""
        shown = False
        for tagged in self.bench.tag(path):
            photo = tagged.photo
            update: Update = {self.looked: photo}
            if not shown:
                update |= {self.photo: tagged.preview, self.tags: views.tags(photo, known, edits.scores(photo))}
                update |= {self.photo_notice: notice([f"{one}." for one in tagged.notices], "hint")}
                update |= self.why.predefined(photo, known, edits) if known else self.why.most_probable(tagged, edits)
                shown = True
            yield update

    def no_photo(self) -> Update:
        """Remove the photo."""
        nothing: Update = {self.looked: None, self.photo: None}
        return {**nothing, self.tags: views.no_tags(), self.photo_notice: "", **self.why.empty()}

    @errors_shown_in("why.notice")
    def on_tag(self, photo: Photo | None, edits: Edits, chosen: gr.EventData) -> Update:
        """A predefined tag was selected."""
        tag = getattr(chosen, "tag", None)
        if not isinstance(tag, str) or tag not in self.bench.taggers[0].bank.vocabulary:
            return {self.why.notice: ""}
        return self.why.predefined(photo, tag, edits)

    @errors_shown_in("why.notice")
    def on_card(self, photo: Photo | None, typed: Categories | None, chosen: gr.EventData) -> Update:
        """A typed category was selected."""
        tag = getattr(chosen, "tag", None)
        if typed is None or tag not in typed.names:
            return {self.why.notice: ""}
        return self.why.typed(photo, typed, tag)

    @errors_shown_in("typed_notice")
    def on_categories(
        self, text: str | None, describer: str, photo: Photo | None, before: Categories | None, request: gr.Request
    ) -> Iterator[Update]:
        """Categories were typed: show sentences and scores as they come.

        Where they cannot be used, the results of those before stay, and say so.
        """
        visitor = visitor_of(request.headers)
        shown = False
        for update in self.stream(self.bench.describe(text or "", describer, visitor), photo, visitor):
            shown |= self.typed in update
            if before is not None and not shown:
                update[self.stale] = notice([STILL_THE_LAST.format(", ".join(before.names))], "hint")
            yield update

    @errors_shown_in("typed_notice")
    def on_meaning(
        self, typed: Categories | None, describer: str, photo: Photo | None, chosen: gr.EventData, request: gr.Request
    ) -> Iterator[Update]:
        """A meaning was chosen: describe that category again."""
        tag, gloss = getattr(chosen, "tag", None), getattr(chosen, "gloss", None)
        visitor = visitor_of(request.headers)
        if typed is None or not isinstance(tag, str) or not isinstance(gloss, str):
            yield {self.typed_notice: ""}
        else:
            states = self.bench.choose_meaning(typed, tag, gloss, describer, visitor)
            yield from self.stream(states, photo, visitor)

    def no_pack(self) -> Update:
        """Forget an uploaded pack."""
        return {self.pack_path: None}

    @errors_shown_in("typed_notice", reset="no_pack")
    def on_pack(self, upload: Mapping[str, Any] | None) -> Update:
        """A tag pack was uploaded."""
        return {self.pack_path: uploaded(upload, self.pack.GRADIO_CACHE), self.typed_notice: ""}

    @errors_shown_in("typed_notice", reset="no_pack")
    def open_pack(self, path: Path | None, typed: Categories | None, photo: Photo | None) -> Update:
        """Add the tags of the uploaded pack to the typed categories; an error leaves those as they are."""
        if path is None:
            return self.no_pack()
        typed = add_pack(self.bench, path, photo, typed)
        scores = self.bench.score(photo, typed)
        return {
            self.pack_path: None,
            self.typed: typed,
            self.stale: "",
            self.cards: self.cards_of(typed, scores, photo),
            self.typed_notice: notice(typed.messages, "hint"),
        }

    def stream(self, states: Iterator[Categories], photo: Photo | None, visitor: str) -> Iterator[Update]:
        """Show categories as their sentences come, with the scores so far."""
        try:
            for typed in throttle(states):
                scores = self.bench.score(photo, typed)
                yield {
                    self.typed: typed,
                    self.stale: "",
                    self.plot: "",
                    self.cards: self.cards_of(typed, scores, photo),
                    self.typed_notice: notice(typed.messages, "hint"),
                    self.meter: self.allowance(visitor),
                }
        except RamError as error:
            yield {self.typed_notice: notice([message(error)]), self.meter: self.allowance(visitor)}

    def cards_of(self, typed: Categories, scores: Scores, photo: Photo | None) -> str:
        """The cards of typed categories."""
        meanings = {tag: self.bench.meanings(tag) for tag in typed.names}
        own = photo.prediction if photo else None
        listed = {tag: own[tag] for tag in self.bench.scored_twice(scores)} if own else {}
        return views.cards(typed, scores, self.labels, meanings, listed)

    def tags_of(self, photo: Photo | None, subject: Subject | None, edits: Edits, scores: Scores) -> str:
        """The list of tags, with the scores of typed categories that are among them."""
        if photo is None:
            return views.no_tags()
        chosen = subject.tag if subject and subject.predefined else ""
        return views.tags(photo, chosen, edits.scores(photo), self.bench.scored_twice(scores))

    def on_visit(self, request: gr.Request) -> str:
        """Show the allowance before anything is typed."""
        return self.allowance(visitor_of(request.headers))

    def allowance(self, visitor: str) -> str:
        """The language model's allowance, where the page has a language model."""
        return allowance(self.bench.limits.standing(visitor)) if self.has_language_model else ""

    @errors_shown_in("typed_notice")
    def score(self, photo: Photo | None, typed: Categories | None, subject: Subject | None, edits: Edits) -> Update:
        """Score the present categories in the present photo, and list its tags again: their sentences may be edited.

        While sentences still come, the handler that streams them shows the scores.
        """
        scores = self.bench.score(photo, typed)
        update: Update = {self.tags: self.tags_of(photo, subject, edits, scores)}
        if typed is None or not typed.finished.issuperset(typed.names):
            return {**update, self.plot: ""}
        plot = views.plot(scores, self.labels) or notice([ASK_FOR_A_PHOTO], "hint")
        return {**update, self.plot: plot, self.cards: self.cards_of(typed, scores, photo)}


def _shipped() -> set[str]:
    return {entry.name for entry in model_entries() if entry.source == "shipped"}


def _first_look(bench: Workbench, path: Path | None) -> Tagged | None:
    """Tag an example as the page starts; where that is not possible, the page opens without a photo."""
    try:
        return list(bench.tag(path))[-1] if path else None
    except RamError as error:
        _log.warning("%s", error)
        return None
