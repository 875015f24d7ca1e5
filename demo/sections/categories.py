"""The visitor's own categories: the box to type them in, their rows beside the photo, and the plot on asking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from demo.core.categories import Categories
from demo.core.edits import Edits
from demo.core.messages import message
from demo.core.pack_upload import add_pack
from demo.core.photos import Photo, Scores
from demo.core.shown_tags import tag_list
from demo.core.suggestions import Suggestions
from demo.core.texts import recognise, say
from demo.core.workbench import Workbench, throttle
from demo.sections.languages import choices, typed_by, wording
from demo.sections.parts import MAX_DESCRIBING, PRIVATE, SERIAL, Update, errors_shown_in, html
from demo.sections.why import WhyPanel
from demo.server.uploads import uploaded
from demo.server.visitors import visitor_of
from demo.views import typed as views
from demo.views.page import allowance, introduction, notice
from ram.errors import RamError
from ram.prediction import TagScore


class CategoriesPanel:
    """Components and event handlers; the parts stand in several places of the tab.

    Args:
        bench: models and describers.
        describers: label by name, the default first.
        hint: a sentence about describers that are not available.
        first: the photo that the page opens with, or None.
    """

    def __init__(self, bench: Workbench, describers: Mapping[str, str], hint: str, first: Photo | None) -> None:
        self.bench = bench
        self.labels = bench.labels
        self.has_language_model = "openai" in describers
        self._suggestions = Suggestions(bench.lexicon, bench.taggers[0])
        self._describers, self._hint, self._first = describers, hint, first
        self.typed = gr.State()  # Categories or None
        self.asked = gr.State(False)  # whether the plot and the cards are shown
        self.pack_path = gr.State()  # of the last uploaded pack
        self.suggested_for = gr.State(first.source if first else "")

    def lay_out_box(self) -> None:
        """The box, what to try, who describes, and packs."""
        html(introduction(say("your_categories"), say("your_categories_intro")))
        with gr.Row(elem_id="ask"):
            self.box = gr.Textbox(
                label=wording("categories"), show_label=False, placeholder=wording("categories_placeholder"),
                max_lines=1, scale=4, min_width=160, elem_id="categories",
            )  # fmt: skip
            self.button = gr.Button(wording("score"), variant="primary", scale=0, min_width=84, elem_id="score")
        words = self._suggestions.suggest(self._first) if self._first else ()
        self.suggestions = html(views.suggestions(words), "suggestions", "ask")
        self.suggested = [self.suggestions, self.suggested_for]
        self.notice = html("", "typed-notice")
        self.describer = gr.Radio(
            choices(self._describers), value=next(iter(self._describers)), label=wording("described_by"),
            info=wording(self._hint) if self._hint else None, elem_id="describer",
        )  # fmt: skip
        self.pack = gr.UploadButton(
            wording("tag_pack"), file_types=[".tagpack"], size="sm", min_width=120, elem_id="pack"
        )
        self.meter = html("", "meter")

    def lay_out_rows(self) -> None:
        """The rows, for the top of the list of tags, and the button that shows the plot and the cards."""
        self.stale = html("", "stale")
        self.rows = html("", "typed-rows", "photo")
        self.asker = html(views.asker(self.labels, False), "asker", "photo")

    def lay_out_comparison(self) -> None:
        """The plot and the cards."""
        self.plot = html("", "plot")
        self.cards = html("", "cards", "photo", "results")
        self.outputs = [self.typed, self.stale, self.rows, self.notice, self.meter]

    def wire(self, looked: gr.State, why: WhyPanel) -> list[Any]:
        """Connect events to handlers; returns the events after which the categories are to be scored."""
        describing: dict[str, Any] = {
            "trigger_mode": "always_last", "concurrency_limit": MAX_DESCRIBING, **PRIVATE,
        }  # fmt: skip
        asked = gr.on(
            [self.box.submit, self.button.click], self.on_categories,
            [self.box, self.describer, looked, self.typed, why.edits], self.outputs, show_progress_on=self.rows,
            **describing,
        )  # fmt: skip
        meant = self.rows.submit(
            self.on_meaning, [self.typed, self.describer, looked], self.outputs, show_progress="hidden", **describing
        )
        packed = self.pack.upload(
            self.on_pack, self.pack, [self.pack_path, self.notice], preprocess=False, show_progress="hidden",
            cancels=[asked, meant], **PRIVATE,
        ).then(
            self.open_pack, [self.pack_path, self.typed, looked], [self.pack_path, *self.outputs],
            show_progress_on=self.rows, **SERIAL, **PRIVATE,
        )  # fmt: skip
        self.asker.click(
            self.on_ask, [looked, self.typed], [self.asked, self.asker, self.plot, self.cards],
            show_progress="hidden", **SERIAL, **PRIVATE,
        )  # fmt: skip
        return [asked, meant, packed]

    def wire_suggestions(self, event: Any, looked: gr.State) -> None:
        """Suggest categories after an event that may have changed the photo."""
        event.then(
            self.suggest, [looked, self.suggested_for], [self.suggestions, self.suggested_for],
            show_progress="hidden", concurrency_id="suggest", concurrency_limit=1, **PRIVATE,
        )  # fmt: skip

    @errors_shown_in("notice")
    def on_categories(
        self, text: str | None, describer: str, photo: Photo | None, before: Categories | None, edits: Edits,
        request: gr.Request,
    ) -> Iterator[Update]:  # fmt: skip
        """Categories were typed: show sentences and scores as they come; those that were edited keep their sentences.

        Where they cannot be used, the results of those before stay, and say so.
        """
        visitor = visitor_of(request.headers)
        shown = False
        states = self.bench.describe(typed_by(request, text), describer, visitor, edited=edits.typed)
        for update in self.stream(states, photo, visitor):
            shown |= self.typed in update
            if before is not None and not shown:
                update[self.stale] = notice([say("still_the_last", names=tag_list(before.names))], "hint")
            yield update

    @errors_shown_in("notice")
    def on_meaning(
        self, typed: Categories | None, describer: str, photo: Photo | None, chosen: gr.EventData, request: gr.Request
    ) -> Iterator[Update]:
        """A meaning was chosen: describe that category again."""
        tag, gloss = getattr(chosen, "tag", None), getattr(chosen, "gloss", None)
        visitor = visitor_of(request.headers)
        if typed is None or not isinstance(tag, str) or not isinstance(gloss, str):
            yield {self.notice: ""}
        else:
            states = self.bench.choose_meaning(typed, tag, gloss, describer, visitor)
            yield from self.stream(states, photo, visitor)

    def no_pack(self) -> Update:
        """Forget an uploaded pack."""
        return {self.pack_path: None}

    @errors_shown_in("notice", reset="no_pack")
    def on_pack(self, upload: Mapping[str, Any] | None) -> Update:
        """A tag pack was uploaded."""
        return {self.pack_path: uploaded(upload, self.pack.GRADIO_CACHE), self.notice: ""}

    @errors_shown_in("notice", reset="no_pack")
    def open_pack(self, path: Path | None, typed: Categories | None, photo: Photo | None) -> Update:
        """Add the tags of the uploaded pack to the typed categories; an error leaves those as they are."""
        if path is None:
            return self.no_pack()
        typed = add_pack(self.bench, path, photo, typed)
        return {**self.no_pack(), **self.shown(typed, photo)}

    def stream(self, states: Iterator[Categories], photo: Photo | None, visitor: str) -> Iterator[Update]:
        """Show categories as their sentences come, with the scores so far."""
        try:
            for typed in throttle(states):
                yield {**self.shown(typed, photo), self.meter: self.allowance(visitor)}
        except RamError as error:
            yield {self.notice: notice([message(error)]), self.meter: self.allowance(visitor)}

    def shown(self, typed: Categories, photo: Photo | None) -> Update:
        """The rows of categories, and what is to be said about them."""
        return {
            self.typed: typed,
            self.stale: "",
            self.notice: notice(map(recognise, typed.messages), "hint"),
            self.rows: self.rows_of(typed, self.bench.score(photo, typed), photo),
        }

    def scored(
        self, typed: Categories, scores: Scores, photo: Photo | None, asked: bool, edited: Mapping[str, TagScore]
    ) -> Update:
        """The rows again, with other scores, and the plot and the cards if they were asked for.

        Args:
            typed: the categories.
            scores: by model.
            photo: that was scored.
            asked: the plot and the cards are shown.
            edited: scores of predefined tags whose own sentences are edited in this photo, by tag.
        """
        update: Update = {self.rows: self.rows_of(typed, scores, photo, edited)}
        return update | (self.comparison(typed, scores, photo) if asked else {})

    def rows_of(
        self, typed: Categories, scores: Scores, photo: Photo | None, edited: Mapping[str, TagScore] | None = None
    ) -> str:
        """A row for each category."""
        hint = "" if photo else say("ask_for_a_photo")
        return views.rows(self.values(typed, scores, photo, edited), self.labels, hint)

    def comparison(self, typed: Categories | None, scores: Scores, photo: Photo | None) -> Update:
        """The plot and the cards."""
        if typed is None:
            return {self.plot: "", self.cards: ""}
        complete = typed.finished.issuperset(typed.names)
        cards = views.cards(self.values(typed, scores, photo))
        return {self.plot: views.plot(scores, self.labels) if complete else "", self.cards: cards}

    def values(
        self, typed: Categories, scores: Scores, photo: Photo | None, edited: Mapping[str, TagScore] | None = None
    ) -> list[views.Typed]:
        """Scores, sentences and meanings of each category, for the views.

        A predefined tag is judged by its own sentences, with which the model was trained; by the visitor's where those
        of the typed category are edited.
        """
        meanings = {tag: self.bench.meanings(tag) for tag in typed.names}
        own = photo.prediction if photo else None
        twice = [tag for tag in self.bench.scored_twice(scores) if not typed.is_edited(tag)]
        listed = {tag: (edited or {}).get(tag, own[tag]) for tag in twice} if own else {}
        return views.typed_categories(typed, scores, self.labels, meanings, listed)

    @errors_shown_in("notice")
    def on_ask(self, photo: Photo | None, typed: Categories | None, asked: gr.EventData) -> Update:
        """The plot and the cards were asked for, or are to be hidden."""
        shown = getattr(asked, "ask", None) == "show"
        update: Update = {self.asked: shown, self.asker: views.asker(self.labels, shown)}
        if not shown:
            return {**update, self.plot: "", self.cards: ""}
        return {**update, **self.comparison(typed, self.bench.score(photo, typed), photo)}

    def suggest(self, photo: Photo | None, suggested_for: str) -> Update:
        """Suggest categories for a photo, once for each photo."""
        source = photo.source if photo else ""
        if source == suggested_for:
            return {self.suggested_for: source}
        words = self._suggestions.suggest(photo) if photo else ()
        return {self.suggestions: views.suggestions(words), self.suggested_for: source}

    def nothing_suggested(self) -> Update:
        """Remove the suggestions for the last photo, until there are some for the new one."""
        return {self.suggestions: "", self.suggested_for: ""}

    def on_visit(self, request: gr.Request) -> str:
        """Show the allowance before anything is typed."""
        return self.allowance(visitor_of(request.headers))

    def allowance(self, visitor: str) -> str:
        """The language model's allowance, where the page has a language model."""
        return allowance(self.bench.limits.standing(visitor)) if self.has_language_model else ""
