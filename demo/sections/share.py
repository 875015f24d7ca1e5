"""The bar that makes a link to what the first section shows, and what such a link opens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gradio as gr

from demo.core.categories import Categories
from demo.core.links import Host, View, read_link
from demo.core.photos import Photo
from demo.sections.parts import DESCRIBED_AT_ONCE, IN_TURN, OWN, Update, html, visitor_of
from demo.sections.photo import PhotoSection
from demo.sections.why import Subject
from demo.views import markup

OF_EXAMPLE = "Whoever opens it sees this example photo with your categories and the tag you selected."
OF_UPLOAD = "Whoever opens it sees your photo with your categories, as long as the photo is kept here: up to an hour."
OF_TEXT = "Whoever opens it finds your categories typed in."
STAYS = " What you changed of the sentences, and the tags of a pack, stay here: they do not fit into a link."
OPENING = "One moment: the photo of this link is looked at."
COPY = """
watch('value', () => {
  const box = element.querySelector('input'), said = element.querySelector('[data-said]');
  if (!box) return;
  box.value = `${location.origin}${location.pathname}?${box.dataset.query}`;
  navigator.clipboard?.writeText(box.value).then(() => said.prepend('The link is copied. '), () => box.select());
});
"""


class ShareBar:
    """A button, and the link it makes.

    Args:
        section: what is shared.
        notice: where to say what a link that opened the page cannot show.
    """

    def __init__(self, section: PhotoSection, notice: gr.HTML) -> None:
        self.section, self.notice = section, notice
        self.host = Host(
            set(section.examples), {str(name) for _, name in section.describer.choices}, section.bench.taggers[0].name,
            set(section.bench.taggers[0].bank.vocabulary.tags), Path(section.photo.GRADIO_CACHE),
        )  # fmt: skip
        self.view = gr.State()  # what the link that opened the page names
        with gr.Row(elem_id="share"):
            self.button = gr.Button("Link to this view", size="sm", min_width=160, elem_id="share-button")
            self.link = html("", "share-link", COPY)

    def wire(self, blocks: gr.Blocks) -> None:
        """Make links on request, and show what the link that opened the page says."""
        section = self.section
        given = [section.source, section.box, section.describer, section.typed, section.why.subject]
        self.button.click(self.on_share, given, self.link, show_progress="hidden", **OWN)
        opened = blocks.load(
            self.on_open, None, [*section.photo_side, section.box, section.describer, self.notice, self.view],
            show_progress="hidden", **IN_TURN, **OWN,
        )  # fmt: skip
        asked = opened.then(
            self.on_categories, [self.view, section.describer, section.looked],
            [*section.typed_side, *section.why.outputs],
            show_progress="hidden", concurrency_limit=DESCRIBED_AT_ONCE, **OWN,
        )  # fmt: skip
        seen = [section.looked, section.typed]
        asked.then(section.score, seen, section.typed_side, show_progress="hidden", **IN_TURN, **OWN)

    def on_share(
        self, source: str | None, categories: str | None, describer: str, typed: Categories | None,
        subject: Subject | None,
    ) -> str:  # fmt: skip
        meant = {
            tag: known.label
            for tag, gloss in (typed.senses if typed else {}).items()
            for known in self.section.bench.meanings(tag)
            if known.gloss == gloss
        }
        path, tag = Path(source) if source else None, subject.tag if subject else ""
        view = self.host.view_of(path, categories or "", describer, tag, meant)
        said = OF_EXAMPLE if view.photo else OF_UPLOAD if view.upload else OF_TEXT
        told = [one for one in (typed, subject and subject.own) if one]
        stays = any(one.edited for one in told) or bool(typed and typed.thresholds)
        return markup.shared(view.query(), said + STAYS * stays)

    def on_open(self, request: gr.Request) -> Iterator[Update]:
        """The photo, the categories and the describer of the link; nothing where the address has none."""
        view, notices = read_link(dict(request.query_params), self.host)
        section = self.section
        path = section.examples.get(view.photo) or self.host.upload(view)
        update: Update = {self.notice: markup.notice([OPENING] if path else notices, "hint"), self.view: view}
        if view.categories:
            update[section.box] = view.categories
        if view.describer:
            update[section.describer] = view.describer
        yield update
        if path:
            yield from section.tag(path, view.tag)
            yield {self.notice: markup.notice(notices, "hint")}

    def on_categories(
        self, view: View | None, describer: str, seen: Photo | None, request: gr.Request
    ) -> Iterator[Update]:
        """Describe what a link has typed in, but for a language model: nobody but the visitor spends its budget."""
        section, typed = self.section, None
        yield {section.typed_notice: ""}
        if view is None or not view.categories or describer.startswith("openai"):
            return
        meant = view.meant()
        senses = {
            tag: known.gloss for tag in meant for known in section.bench.meanings(tag) if known.label == meant[tag]
        }
        visitor = visitor_of(section.bench, request)
        for update in section.live(section.bench.describe(view.categories, describer, visitor, senses), seen, visitor):
            typed = update.get(section.typed)
            yield update
        if typed is not None and view.tag in typed.names:
            yield section.why.typed(seen, typed, view.tag)
