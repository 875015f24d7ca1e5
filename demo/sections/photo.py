"""The tab of one photo: its tags, the visitor's own categories, and why."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from demo.core.captioning_photos import PhotoCaptioner
from demo.core.categories import Categories
from demo.core.edits import Edits
from demo.core.examples import Example
from demo.core.photos import Photo, Tagged
from demo.core.texts import say, sentence
from demo.core.workbench import Workbench
from demo.sections.address import AddressField
from demo.sections.categories import CategoriesPanel
from demo.sections.languages import wording
from demo.sections.parts import PRIVATE, SERIAL, Update, errors_shown_in, html
from demo.sections.photo_caption import CaptionSection
from demo.sections.picture_card import PictureCard
from demo.sections.why import Subject, WhyPanel
from demo.server.uploads import uploaded
from demo.views import photo as views
from demo.views.page import introduction, notice
from demo.views.tags import no_tags, tags
from ram.checkpoints.registry import shipped_models
from ram.errors import RamError

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
        self.examples = {example.path.name: example.path for example in examples}

        path = examples[0].path if examples else None
        first = _first_look(bench, path)
        self.looked = gr.State(first and first.photo)  # Photo or None
        self.categories = categories = CategoriesPanel(bench, describers, hint, first.photo if first else None)
        with gr.Row(elem_id="look"):
            with gr.Column(scale=6, min_width=300, elem_id="given"):
                self._lay_out_photo(first)
                with gr.Column(elem_classes="sheet", elem_id="ask-panel"):
                    categories.lay_out_box()
                with gr.Column(elem_classes="sheet", elem_id="examples-panel"):
                    self.strip = html(views.examples(examples), "examples", "photo")
            with gr.Column(scale=5, min_width=280, elem_classes="sheet", elem_id="tags-panel"):
                html(introduction(say("tags_heading")))
                categories.lay_out_rows()
                self.tags = html(tags(first.photo) if first else no_tags(), "tags", "photo", "tags")
                self.card = PictureCard(bench)
                html(views.scope(bench.taggers[0].name in shipped_models()), "scope")
            with gr.Column(scale=7, min_width=300, elem_classes="sheet", elem_id="why-panel"):
                self.why = WhyPanel(bench, categories.typed, first)
        with gr.Column(elem_classes="sheet", elem_id="results"):
            categories.lay_out_comparison()
        self.photo_side = [
            self.looked, self.photo, self.tags, self.photo_notice, *self.why.outputs, *categories.suggested,
            self.card.saved, *(self.caption.outputs if self.caption else ()),
        ]  # fmt: skip
        self.typed, self.typed_side, self.typed_notice = categories.typed, categories.outputs, categories.notice
        self.box, self.describer, self.meter = categories.box, categories.describer, categories.meter
        self.stream, self.on_visit = categories.stream, categories.on_visit

    def _lay_out_photo(self, first: Tagged | None) -> None:
        with gr.Column(elem_classes="sheet", elem_id="photo-panel"):
            self.photo = gr.Image(
                type="filepath", image_mode=None, sources=["upload"], format="jpeg", height=320, buttons=[],
                label=wording("photo"), show_label=False, elem_id="photo", alt_text=str(wording("photo_alt")),
                placeholder=wording("photo_placeholder"),
                value=first.preview if first else None,
            )  # fmt: skip
            html(views.choose(), "choose", "choose")
            self.address = AddressField()
            self.photo_notice = html("", "photo-notice")
            captioner = self.bench.captioner and PhotoCaptioner(self.bench.captioner, self.bench.judge)
            main = self.bench.taggers[0].name
            self.caption = captioner and CaptionSection(captioner, main, first.photo if first else None)

    def wire(self) -> None:
        """Connect events to handlers; every change of the photo or the categories ends with scoring."""
        photo_side = self.photo_side
        # preprocess=False: gradio would open the file itself, without our limits and error messages
        given = self.photo.upload(
            self.on_photo, [self.photo, self.looked, self.why.edits], photo_side, preprocess=False,
            show_progress_on=self.tags, **SERIAL, **PRIVATE,
        )  # fmt: skip
        picked = self.strip.click(
            self.on_example, self.why.edits, photo_side, show_progress_on=self.tags, **SERIAL, **PRIVATE
        )
        removed = self.photo.clear(self.no_photo, None, photo_side, show_progress="hidden", **SERIAL, **PRIVATE)
        why: dict[str, Any] = {"show_progress_on": self.why.panel, **SERIAL, **PRIVATE}
        chosen, categories = [self.looked, self.typed, self.why.edits], self.categories
        for event in (
            self.tags.click(self.on_tag, [self.looked, self.why.edits], self.why.outputs, **why),
            categories.rows.click(self.on_row, chosen, self.why.outputs, **why),
            categories.cards.click(self.on_typed, [self.looked, self.typed], self.why.outputs, **why),
        ):
            self.why.wire_map(event, self.looked)
        self.card.wire(self.looked, self.typed, self.why.edits)
        edited = self.why.wire(self.looked)
        if self.caption:
            self.caption.wire(self.looked)
        for event in (given, picked, removed, edited, *self.categories.wire(self.looked, self.why)):
            self.wire_score(event)

    def wire_score(self, event: Any) -> None:
        """Draw the heat map and score categories after an event; suggest and caption if the photo is another one."""
        self.why.wire_map(event, self.looked)
        inputs = [self.looked, self.typed, self.why.subject, self.why.edits, self.categories.asked]
        outputs = [self.tags, self.typed_notice, self.categories.rows, self.categories.plot, self.categories.cards]
        scored = event.then(self.score, inputs, outputs, show_progress="hidden", **SERIAL, **PRIVATE)
        if self.caption:
            self.caption.follow(event, self.looked)
        self.categories.wire_suggestions(scored, self.looked)

    @errors_shown_in("photo_notice")
    def on_photo(self, upload: Mapping[str, Any] | None, photo: Photo | None, edits: Edits) -> Iterator[Update]:
        """A photo was uploaded; gradio itself would accept any path. After an error the photo before is shown again."""
        if not upload:
            yield {self.photo_notice: ""}  # gradio empties every output of a generator that yields nothing
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
        else:
            yield {self.photo_notice: ""}

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
                update |= {self.photo: tagged.preview, self.tags: tags(photo, known, edits.scores(photo))}
                update |= {**self.categories.nothing_suggested(), **(self.caption.waiting() if self.caption else {})}
                update |= {self.photo_notice: notice([sentence(one) for one in tagged.notices], "hint")}
                update |= {self.card.saved: ""}
                update |= self.why.predefined(photo, known, edits) if known else self.why.most_probable(tagged, edits)
                shown = True
            yield update

    def no_photo(self) -> Update:
        """Remove the photo."""
        nothing: Update = {self.looked: None, self.photo: None}
        return {**nothing, self.tags: no_tags(), self.photo_notice: "", self.card.saved: "", **self.why.empty()}

    @errors_shown_in("why.notice")
    def on_tag(self, photo: Photo | None, edits: Edits, chosen: gr.EventData) -> Update:
        """A predefined tag was selected."""
        tag = getattr(chosen, "tag", None)
        if not isinstance(tag, str) or tag not in self.bench.taggers[0].bank.vocabulary:
            return {self.why.notice: ""}
        return self.why.predefined(photo, tag, edits)

    @errors_shown_in("why.notice")
    def on_typed(self, photo: Photo | None, typed: Categories | None, chosen: gr.EventData) -> Update:
        """A typed category was selected."""
        tag = getattr(chosen, "tag", None)
        if typed is None or tag not in typed.names:
            return {self.why.notice: ""}
        return self.why.typed(photo, typed, tag)

    @errors_shown_in("why.notice")
    def on_row(
        self, photo: Photo | None, typed: Categories | None, edits: Edits, chosen: gr.EventData
    ) -> Update:
        """A row of the typed categories was selected: explain the score that its verdict is about."""
        tag = getattr(chosen, "tag", None)
        twice = self.bench.scored_twice(self.bench.score(photo, typed)) if typed is not None else {}
        if photo is not None and typed is not None and tag in twice and not typed.is_edited(str(tag)):
            return self.why.predefined(photo, str(tag), edits)
        return self.on_typed(photo, typed, chosen)

    @errors_shown_in("typed_notice")
    def score(
        self, photo: Photo | None, typed: Categories | None, subject: Subject | None, edits: Edits, asked: bool
    ) -> Update:
        """Score the present categories in the present photo, and list its tags again: their sentences may be edited.

        A typed category that is a predefined tag has one row, among the typed ones.
        """
        scores = self.bench.score(photo, typed)
        chosen = subject.tag if subject and subject.predefined else ""
        names = typed.names if typed else ()
        update: Update = {self.tags: tags(photo, chosen, edits.scores(photo), names) if photo else no_tags()}
        if typed is None:
            return update
        return {**update, **self.categories.scored(typed, scores, photo, asked, edits.scores(photo) if photo else {})}


def _first_look(bench: Workbench, path: Path | None) -> Tagged | None:
    """Tag an example as the page starts; where that is not possible, the page opens without a photo."""
    try:
        return list(bench.tag(path))[-1] if path else None
    except RamError as error:
        _log.warning("%s", error)
        return None
