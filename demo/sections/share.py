"""The bar that makes a link to the view of the first tab, and opens such links."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gradio as gr

from demo.core.categories import Categories
from demo.core.edits import Edits
from demo.core.links import Host, View, read_link
from demo.core.photos import Photo
from demo.core.snippets import snippets
from demo.core.texts import say
from demo.sections.languages import typed_by, wording
from demo.sections.parts import MAX_DESCRIBING, PRIVATE, SERIAL, Update, errors_shown_in, html
from demo.sections.photo import PhotoSection
from demo.sections.why import Subject
from demo.server.visitors import visitor_of
from demo.views.about import code
from demo.views.page import link, notice
from ram.describers.loading import OFFLINE


class ShareBar:
    """A button, and the link it makes.

    Args:
        section: whose view is shared.
        notice: shows what a link that opened the page contains but the page cannot show.
    """

    def __init__(self, section: PhotoSection, notice: gr.HTML) -> None:
        self.section, self.notice = section, notice
        self.host = Host(
            set(section.examples), {str(name) for _, name in section.describer.choices}, section.bench.taggers[0].name,
            set(section.bench.taggers[0].bank.vocabulary.tags), Path(section.photo.GRADIO_CACHE),
        )  # fmt: skip
        self.view = gr.State()  # of the link that opened the page
        with gr.Row(elem_id="share"):
            self.button = gr.Button(wording("link"), size="sm", min_width=160, elem_id="share-button")
            self.code_button = gr.Button(wording("code"), size="sm", min_width=160, elem_id="code-button")
            self.link = html("", "share-link", "share")
            self.code = html("", "share-code", "code")

    def wire(self, blocks: gr.Blocks) -> None:
        """Make links on request, and show the view of the link that opened the page."""
        section = self.section
        inputs = [section.looked, section.box, section.describer, section.typed, section.why.subject]
        self.button.click(self.on_share, inputs, [self.link], show_progress="hidden", **PRIVATE)
        self.code_button.click(self.on_code, inputs[:3], [self.code], show_progress="hidden", **PRIVATE)
        opened = blocks.load(
            self.on_open, section.why.edits,
            [*section.photo_side, section.box, section.describer, self.notice, self.view],
            show_progress="hidden", **SERIAL, **PRIVATE,
        )  # fmt: skip
        described = opened.then(
            self.on_categories, [self.view, section.describer, section.looked],
            [*section.typed_side, *section.why.outputs],
            show_progress="hidden", concurrency_limit=MAX_DESCRIBING, **PRIVATE,
        )  # fmt: skip
        section.wire_score(described)

    @errors_shown_in("link")
    def on_share(
        self, photo: Photo | None, categories: str | None, describer: str, typed: Categories | None,
        subject: Subject | None, request: gr.Request,
    ) -> Update:  # fmt: skip
        """Make a link to the present view."""
        meanings = {
            tag: meaning.label
            for tag, gloss in (typed.senses if typed else {}).items()
            for meaning in self.section.bench.meanings(tag)
            if meaning.gloss == gloss
        }
        path, tag = Path(photo.source) if photo else None, subject.tag if subject else ""
        view = self.host.view_of(path, typed_by(request, categories), describer, tag, meanings)
        explanation = say("link_of_example" if view.photo else "link_of_upload" if view.upload else "link_of_text")
        shown = [one for one in (typed, subject and subject.predefined) if one]
        if any(one.edited or one.packed for one in shown):
            explanation = say("link_without_edits", text=explanation)
        return {self.link: link(view.query(), explanation)}

    @errors_shown_in("code")
    def on_code(self, photo: Photo | None, categories: str | None, describer: str, request: gr.Request) -> Update:
        """Show the present view as code."""
        path = Path(photo.source) if photo else None
        view = self.host.view_of(path, typed_by(request, categories), describer)
        return {self.code: code(snippets(view, len(self.section.bench.taggers)))}

    @errors_shown_in("notice")
    def on_open(self, edits: Edits, request: gr.Request) -> Iterator[Update]:
        """Show the photo, the categories and the describer of the link that opened the page."""
        view, notices = read_link(dict(request.query_params), self.host)
        section = self.section
        path = section.examples.get(view.photo) or self.host.upload(view)
        update: Update = {self.notice: notice([say("link_opening")] if path else notices, "hint"), self.view: view}
        if not path and any(request.query_params.get(name) for name in ("photo", "upload")):
            update |= section.no_photo()  # the page opens with an example, which is not the photo of the link
        if view.categories:
            update[section.box] = view.categories
        if view.describer:
            update[section.describer] = view.describer
        yield update
        if path:
            yield from section.tag(path, edits, view.tag)
            yield {self.notice: notice(notices, "hint")}

    @errors_shown_in("section.typed_notice")
    def on_categories(
        self, view: View | None, describer: str, photo: Photo | None, request: gr.Request
    ) -> Iterator[Update]:
        """Describe the categories of a link, but never with a language model: only visitors spend their budget."""
        section, typed = self.section, None
        yield gr.skip()  # gradio empties every output of a generator that yields nothing
        if view is None or not view.categories or describer not in OFFLINE:
            return
        chosen = view.chosen_meanings()
        senses = {
            tag: meaning.gloss
            for tag, label in chosen.items()
            for meaning in section.bench.meanings(tag)
            if meaning.label == label
        }
        visitor = visitor_of(request.headers)
        states = section.bench.describe(view.categories, describer, visitor, senses)
        for update in section.stream(states, photo, visitor):
            typed = update.get(section.typed)
            yield update
        if typed is not None and view.tag in typed.names:
            yield section.why.typed(photo, typed, view.tag)
