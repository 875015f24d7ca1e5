"""One photo: its tags, the visitor's own categories against it, and one model against the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from demo.core.actions import Workbench, explain, paced
from demo.core.categories import Categories
from demo.core.examples import Example
from demo.core.photos import Photo, Scores, Tagged
from demo.core.uploaded_packs import open_pack
from demo.sections.parts import DESCRIBED_AT_ONCE, IN_TURN, OWN, Update, html, visitor_of
from demo.sections.why import WhyPanel
from demo.server.uploads import uploaded
from demo.views import markup
from ram.checkpoints.registry import model_entries
from ram.errors import InputError

ASK_FOR_A_PHOTO = "Choose a photo to see how likely each category is: what you typed is kept for it."
OWN_CATEGORIES = """<h2>Your own categories</h2><p class="hint">Anything you can name, separated by commas.
Sentences that describe it are held against the photo; no model is trained again.</p>"""
CHOOSE_TAG = """
element.addEventListener('click', event => {
  const button = event.target.closest('button[data-tag]');
  if (!button) return;
  for (const other of document.querySelectorAll('#tags button[data-tag]'))
    other.setAttribute('aria-pressed', String(other === button));
  trigger('click', {tag: button.dataset.tag});
  const why = document.querySelector('#why-panel'), calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  if (why.getBoundingClientRect().top > innerHeight - 200 || why.getBoundingClientRect().bottom < 200)
    why.scrollIntoView({block: 'start', behavior: calm ? 'auto' : 'smooth'});
});
"""
CHOOSE_MEANING = """
element.addEventListener('change', event => {
  const tag = event.target.dataset.meaningOf;
  if (tag) trigger('submit', {tag, gloss: event.target.value});
});
"""
CHOOSE_EXAMPLE = """
element.addEventListener('click', event => {
  const button = event.target.closest('button[data-name]');
  if (button) trigger('click', {name: button.dataset.name});
});
"""
SHOW_NEW_CARDS = """
let shown = '';
watch('value', () => {
  const names = [...element.querySelectorAll('h3')].map(heading => heading.textContent).join();
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  if (names && names !== shown)
    document.querySelector('#results').scrollIntoView({block: 'start', behavior: calm ? 'auto' : 'smooth'});
  shown = names;
});
"""


class PhotoSection:
    """The components, in the order they stand, and what their events change."""

    def __init__(self, bench: Workbench, examples: Sequence[Example], describers: Mapping[str, str], hint: str) -> None:
        self.bench = bench
        self.has_language_model = "openai" in describers
        self.labels = bench.labels
        self.examples = {example.path.name: example.path for example in examples}

        opening = examples[0].path if examples else None
        first = _first_look(bench, opening)
        self.looked, self.typed = gr.State(first and first.photo), gr.State()  # Photo and Categories, or None
        self.source = gr.State(str(opening) if first else None)  # where the photo's file is, or None
        with gr.Row(elem_id="look"):
            with gr.Column(scale=5, min_width=300, elem_id="given"):
                with gr.Column(elem_classes="sheet", elem_id="photo-panel"):
                    self.photo = gr.Image(
                        type="filepath", image_mode=None, sources=["upload"], format="jpeg", height=320, buttons=[],
                        label="Photo", show_label=False, elem_id="photo", alt_text="The photo to be tagged",
                        placeholder="Drop or paste a photo here,\nor click to choose one",
                        value=first.preview if first else None,
                    )  # fmt: skip
                    self.photo_notice = html("", "photo-notice")
                    self.strip = html(markup.examples(examples), "examples", CHOOSE_EXAMPLE)
                with gr.Column(elem_classes="sheet", elem_id="ask-panel"):
                    html(OWN_CATEGORIES)
                    with gr.Row(elem_id="ask"):
                        self.box = gr.Textbox(
                            label="Categories", show_label=False, placeholder="corgi, meteor shower", max_lines=1,
                            scale=4, min_width=180, elem_id="categories",
                        )  # fmt: skip
                        self.button = gr.Button("Score", variant="primary", scale=1, min_width=96, elem_id="score")
                    self.describer = gr.Radio(
                        [(label, name) for name, label in describers.items()], value=next(iter(describers)),
                        label="Described by", info=hint or None, elem_id="describer",
                    )  # fmt: skip
                    self.pack = gr.UploadButton(
                        "Add a tag pack", file_types=[".tagpack"], size="sm", min_width=120, elem_id="pack"
                    )
                    self.packed = gr.State()  # where the file of the last pack is
                    self.meter = html("", "meter")
                    self.typed_notice = html("", "typed-notice")
            with gr.Column(scale=5, min_width=280, elem_classes="sheet", elem_id="tags-panel"):
                html("<h2>Tags</h2>")
                self.tags = html(markup.tags(first) if first else markup.no_tags(), "tags", CHOOSE_TAG)
                html(markup.scope(bench.taggers[0].name in _shipped()), "scope")
            with gr.Column(scale=7, min_width=300, elem_classes="sheet", elem_id="why-panel"):
                self.why = WhyPanel(bench, self.typed, first)
        with gr.Column(elem_classes="sheet", elem_id="results"):
            self.plot = html("", "plot")
            self.cards = html("", "cards", SHOW_NEW_CARDS + CHOOSE_TAG + CHOOSE_MEANING)
        self.photo_side = [self.looked, self.source, self.photo, self.tags, self.photo_notice, *self.why.outputs]
        self.typed_side = [self.typed, self.plot, self.cards, self.typed_notice, self.meter]

    def wire(self) -> None:
        """Connect events to what they do; whatever changes the photo or the categories ends with a new scoring."""
        photo_side, typed_side = self.photo_side, self.typed_side
        # preprocess=False: gradio would open the file itself, without our limits and our sentences
        given = self.photo.upload(
            self.on_photo, self.photo, photo_side, preprocess=False, show_progress_on=self.tags, **IN_TURN, **OWN
        )
        picked = self.strip.click(self.on_example, None, photo_side, show_progress_on=self.tags, **IN_TURN, **OWN)
        removed = self.photo.clear(self.without_photo, None, photo_side, show_progress="hidden", **IN_TURN, **OWN)
        asked = gr.on(
            [self.box.submit, self.button.click], self.on_categories, [self.box, self.describer, self.looked],
            typed_side, show_progress_on=self.cards, trigger_mode="always_last", concurrency_limit=DESCRIBED_AT_ONCE,
            **OWN,
        )  # fmt: skip
        self.tags.click(self.on_tag, self.looked, self.why.outputs, show_progress_on=self.why.panel, **IN_TURN, **OWN)
        self.cards.click(
            self.on_card, [self.looked, self.typed], self.why.outputs, show_progress_on=self.why.panel, **IN_TURN, **OWN
        )
        meant = self.cards.submit(
            self.on_meaning, [self.typed, self.describer, self.looked], typed_side, show_progress="hidden",
            trigger_mode="always_last", concurrency_limit=DESCRIBED_AT_ONCE, **OWN,
        )  # fmt: skip
        edited = self.why.wire(self.looked)
        packed = self.pack.upload(
            self.on_pack, self.pack, [self.packed, self.typed_notice], preprocess=False, show_progress="hidden",
            cancels=[asked, meant], **OWN,
        ).then(
            self.open_pack, [self.packed, self.typed, self.looked], [self.packed, *typed_side],
            show_progress_on=self.cards, **IN_TURN, **OWN,
        )  # fmt: skip
        for event in (given, picked, removed, asked, meant, edited, packed):
            event.then(self.score, [self.looked, self.typed], typed_side, show_progress="hidden", **IN_TURN, **OWN)

    def on_photo(self, upload: Mapping[str, Any] | None) -> Iterator[Update]:
        """A file in gradio's upload folder; gradio itself would take any path that is called a picture."""
        if upload:
            try:
                yield from self.tag(uploaded(upload, self.photo.GRADIO_CACHE))
            except InputError as error:
                yield {self.photo_notice: markup.notice([explain(error)])}

    def on_example(self, chosen: gr.EventData) -> Iterator[Update]:
        """The name of an example; anything else a browser might send is none."""
        if path := self.examples.get(str(getattr(chosen, "name", ""))):
            yield from self.tag(path)

    def tag(self, path: str | Path, chosen: str = "") -> Iterator[Update]:
        """Tags after the first model's look, features as each further model has looked.

        The tag that was chosen is explained, the most probable one where it is none of the model's.
        """
        known = chosen if chosen in self.bench.taggers[0].bank.vocabulary else ""
        shown = False
        try:
            for tagged in self.bench.tag(path):
                update: Update = {self.looked: tagged.photo, self.source: str(path)}
                if not shown:
                    update |= {self.photo: tagged.preview, self.tags: markup.tags(tagged, known), self.photo_notice: ""}
                    update |= self.why.predefined(tagged.photo, known) if known else self.why.top_of(tagged)
                    shown = True
                yield update
        except Exception as error:
            yield {**self.without_photo(), self.photo_notice: markup.notice([explain(error)])}

    def without_photo(self) -> Update:
        nothing: Update = {self.looked: None, self.source: None, self.photo: None}
        return {**nothing, self.tags: markup.no_tags(), self.photo_notice: "", **self.why.empty()}

    def on_tag(self, photo: Photo | None, chosen: gr.EventData) -> Update:
        """One of the model's own tags is selected."""
        tag = getattr(chosen, "tag", None)
        if not isinstance(tag, str) or tag not in self.bench.taggers[0].bank.vocabulary:
            return {self.why.notice: ""}
        return self.why.predefined(photo, tag)

    def on_card(self, photo: Photo | None, typed: Categories | None, chosen: gr.EventData) -> Update:
        """A typed category is selected."""
        tag = getattr(chosen, "tag", None)
        if typed is None or tag not in typed.names:
            return {self.why.notice: ""}
        return self.why.typed(photo, typed, tag)

    def on_categories(
        self, text: str | None, describer: str, seen: Photo | None, request: gr.Request
    ) -> Iterator[Update]:
        """Sentences as they come, and the scores of each category as they do."""
        visitor = visitor_of(self.bench, request)
        yield from self.live(self.bench.describe(text or "", describer, visitor), seen, visitor)

    def on_meaning(
        self, typed: Categories | None, describer: str, seen: Photo | None, chosen: gr.EventData, request: gr.Request
    ) -> Iterator[Update]:
        """One category is described anew, in the meaning that was chosen for it."""
        tag, gloss = getattr(chosen, "tag", None), getattr(chosen, "gloss", None)
        visitor = visitor_of(self.bench, request)
        if typed is None or not isinstance(tag, str) or not isinstance(gloss, str):
            yield {self.typed_notice: ""}
        else:
            yield from self.live(self.bench.mean(typed, tag, gloss, describer, visitor), seen, visitor)

    def on_pack(self, upload: Mapping[str, Any] | None) -> Update:
        """A file in gradio's upload folder, and no other."""
        try:
            return {self.packed: uploaded(upload, self.pack.GRADIO_CACHE), self.typed_notice: ""}
        except InputError as error:
            return {self.packed: None, self.typed_notice: markup.notice([explain(error)])}

    def open_pack(self, path: Path | None, typed: Categories | None, seen: Photo | None) -> Update:
        """The tags of the pack join the typed categories; whatever is wrong with it leaves those as they are."""
        if path is None:
            return {self.packed: None}
        try:
            typed = open_pack(self.bench, path, seen, typed)
            scores = self.bench.score(seen, typed)
        except Exception as error:
            return {self.packed: None, self.typed_notice: markup.notice([explain(error)])}
        return {
            self.packed: None,
            self.typed: typed,
            self.cards: self.cards_of(typed, scores),
            self.typed_notice: markup.notice(typed.notices, "hint"),
        }

    def live(self, states: Iterator[Categories], seen: Photo | None, visitor: str) -> Iterator[Update]:
        """Categories as their sentences come, scored as far as they have."""
        try:
            for typed in paced(states):
                scores = self.bench.score(seen, typed)
                yield {
                    self.typed: typed,
                    self.plot: "",
                    self.cards: self.cards_of(typed, scores),
                    self.typed_notice: markup.notice(typed.notices, "hint"),
                    self.meter: self.allowance(visitor),
                }
        except Exception as error:
            yield {self.typed_notice: markup.notice([explain(error)]), self.meter: self.allowance(visitor)}

    def cards_of(self, typed: Categories, scores: Scores) -> str:
        return markup.categories(typed, scores, self.labels, {tag: self.bench.meanings(tag) for tag in typed.names})

    def on_visit(self, request: gr.Request) -> str:
        """The meter, before anything is typed."""
        return self.allowance(visitor_of(self.bench, request))

    def allowance(self, visitor: str) -> str:
        """The meter, on a page that has a language model to be metered."""
        return markup.allowance(self.bench.limits.standing(visitor)) if self.has_language_model else ""

    def score(self, seen: Photo | None, typed: Categories | None) -> Update:
        """The present categories against the present photo, whichever of the two came last.

        While sentences still come, whoever hears them shows the scores.
        """
        if typed is None or not typed.finished.issuperset(typed.names):
            return {self.plot: ""}
        try:
            scores = self.bench.score(seen, typed)
            return {
                self.plot: markup.comparison(scores, self.labels) or markup.notice([ASK_FOR_A_PHOTO], "hint"),
                self.cards: self.cards_of(typed, scores),
            }
        except Exception as error:
            return {self.typed_notice: markup.notice([explain(error)])}


def _shipped() -> set[str]:
    return {entry.name for entry in model_entries() if entry.source == "shipped"}


def _first_look(bench: Workbench, path: Path | None) -> Tagged | None:
    """An example tagged as the page starts; a page without one opens empty."""
    try:
        return list(bench.tag(path))[-1] if path else None
    except Exception as error:
        explain(error)
        return None
