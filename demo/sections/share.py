"""The bar that makes a link to what the first section shows, and what such a link opens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gradio as gr

from demo import markup
from demo.links import Host, read_link
from demo.photos import Photo
from demo.sections.parts import DESCRIBED_AT_ONCE, IN_TURN, OWN, Update, html
from demo.sections.photo import PhotoSection

OF_EXAMPLE = "Whoever opens it sees this example photo with your categories."
OF_UPLOAD = "Whoever opens it sees your photo with your categories, as long as the photo is kept here: up to an hour."
OF_TEXT = "Whoever opens it finds your categories typed in."
COPY = """
watch('value', () => {
  const box = element.querySelector('input'), status = element.querySelector('[role=status]');
  if (!box) return;
  box.value = `${location.origin}${location.pathname}?${box.dataset.query}`;
  navigator.clipboard?.writeText(box.value).then(() => status.prepend('The link is copied. '), () => box.select());
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
            Path(section.photo.GRADIO_CACHE),
        )  # fmt: skip
        with gr.Row(elem_id="share"):
            self.button = gr.Button("Link to this view", size="sm", min_width=160, elem_id="share-button")
            self.link = html("", "share-link", COPY)

    def wire(self, blocks: gr.Blocks) -> None:
        """Make links on request, and show what the link that opened the page says."""
        section = self.section
        given = [section.source, section.box, section.describer]
        self.button.click(self.on_share, given, self.link, show_progress="hidden", **OWN)
        opened = blocks.load(
            self.on_open, None, [*section.photo_side, section.box, section.describer, self.notice],
            show_progress_on=section.tags, **IN_TURN, **OWN,
        )  # fmt: skip
        asked = opened.then(
            self.on_categories, [section.box, section.describer, section.looked], section.typed_side,
            show_progress="hidden", concurrency_limit=DESCRIBED_AT_ONCE, **OWN,
        )  # fmt: skip
        seen = [section.looked, section.typed]
        asked.then(section.score, seen, section.typed_side, show_progress="hidden", **IN_TURN, **OWN)

    def on_share(self, source: str | None, categories: str | None, describer: str) -> str:
        view = self.host.view_of(Path(source) if source else None, categories or "", describer)
        said = OF_EXAMPLE if view.photo else OF_UPLOAD if view.upload else OF_TEXT
        return markup.shared(view.query(), said)

    def on_open(self, request: gr.Request) -> Iterator[Update]:
        """The photo, the categories and the describer of the link; nothing where the address has none."""
        view, notices = read_link(dict(request.query_params), self.host)
        section = self.section
        update: Update = {self.notice: markup.notice(notices, "hint")}
        if view.categories:
            update[section.box] = view.categories
        if view.describer:
            update[section.describer] = view.describer
        yield update
        if path := section.examples.get(view.photo) or self.host.upload(view):
            yield from section.tag(path)

    def on_categories(
        self, text: str | None, describer: str, seen: Photo | None, request: gr.Request
    ) -> Iterator[Update]:
        """Describe what a link has typed in, but for a language model: nobody but the visitor spends its budget."""
        if text and not describer.startswith("openai"):
            yield from self.section.on_categories(text, describer, seen, request)
        else:
            yield {self.section.typed_notice: ""}
