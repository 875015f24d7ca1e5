"""Layout of the page: its tabs, looks and limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from demo.api import add_endpoints
from demo.core.examples import Example
from demo.core.model_cards import ModelCard, read_card
from demo.core.texts import say
from demo.core.workbench import Workbench
from demo.sections.album import AlbumSection
from demo.sections.comparison import ComparisonSection
from demo.sections.languages import translations, wording
from demo.sections.parts import MAX_DESCRIBING, PRIVATE, html
from demo.sections.photo import PhotoSection
from demo.sections.share import ShareBar
from demo.server.uploads import refusal
from demo.views.about import about
from demo.views.page import header
from demo.views.render import STATIC, script
from ram.checkpoints.registry import shipped_models
from ram.evaluation.baselines.zero_shot_clip import ABSENT

TITLE = say("title").english
MAX_QUEUE = 64
"""Requests in the queue before a further one is refused."""
UPLOAD_SECONDS = 3600
"""Time after which uploaded files are deleted."""
MAX_UPLOAD = 200_000_000
"""Bytes of an archive of photos; a single photo has a smaller limit when it is opened."""
MAX_SESSIONS = 200
"""Visitors whose photos and categories are kept; past that the one seen longest ago is forgotten."""


def build_page(
    bench: Workbench, examples: Sequence[Example], describers: Mapping[str, str], hint: str = "", code_url: str = "",
    addresses: bool = False,
) -> gr.Blocks:  # fmt: skip
    """Lay out the page and connect its events.

    Args:
        bench: models and describers.
        examples: photos to try.
        describers: label by name, the default first.
        hint: a sentence about describers that are not available.
        code_url: address of the source code, which the page links to; empty for no link.
        addresses: photos can be given by their address.
    """
    with _Page(title=TITLE, analytics_enabled=False, delete_cache=(UPLOAD_SECONDS, UPLOAD_SECONDS)) as blocks:
        add_endpoints(bench)  # first, because gradio renames later functions of the same name
        html(str(wording("language")), "language")  # by which languages.html knows which one gradio has chosen
        html(header(bench.labels, len(bench.taggers[0].bank)))
        with gr.Tabs(elem_id="sections") as tabs:
            with gr.Tab(wording("one_photo"), id="photo"):
                notice = html("", "share-notice")
                photo = PhotoSection(bench, examples, describers, hint)
                share = ShareBar(photo, notice)
            with gr.Tab(wording("compare"), id="compare") as tab:
                absent = [] if "CLIP" in bench.labels.values() else [ABSENT]
                comparison = ComparisonSection(bench, absent)
                comparison.wire(tab, photo.looked, photo.typed)
            with gr.Tab(wording("many_photos"), id="album"):
                album = AlbumSection(bench, [example.path for example in examples], describers)
                album.wire()
        html(about(_cards(bench), _labels(bench), code_url), "about")
        photo.wire()
        if addresses:
            photo.address.wire(photo)
        album.wire_opening(photo, tabs)
        comparison.wire_opening(photo, tabs)
        share.wire(blocks)
        blocks.load(photo.on_visit, None, photo.meter, show_progress="hidden", **PRIVATE)
    return blocks.queue(max_size=MAX_QUEUE, default_concurrency_limit=MAX_DESCRIBING, api_open=False)


def description(bench: Workbench) -> str:
    """One sentence or two about the page, for previews of links to it."""
    return f"{say('tagline', tags=len(bench.taggers[0].bank))} With RAM and RAM++."


def _labels(bench: Workbench) -> dict[str, str]:
    """Label of each model on the page, by name; that of the captioner is its kind."""
    labels, captioner = bench.labels, bench.captioner
    return labels if captioner is None or captioner.name in labels else labels | {captioner.name: captioner.kind}


def _cards(bench: Workbench) -> list[ModelCard]:
    """Cards of the shipped models on the page."""
    folders = shipped_models()
    cards = [read_card(name, folders[name]) for name in _labels(bench) if name in folders]
    return [card for card in cards if card is not None]


class _Page(gr.Blocks):
    """Blocks that answer an input which gradio cannot prepare with a sentence; by default a program is told nothing."""

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], *others: Any, **options: Any) -> list[Any]:
        try:
            return await super().preprocess_data(block_fn, inputs, *others, **options)
        except gr.Error:
            raise
        except Exception as error:
            raise gr.Error(refusal(error, len(block_fn.inputs), inputs), print_exception=False) from None


def launch_options() -> dict[str, Any]:
    """Looks, limits and links, for `Blocks.launch`."""
    return {
        "theme": _theme(),
        "css_paths": [
            STATIC / f"{name}.css" for name in ("page", "photo", "photo_caption", "album", "compare", "about")
        ],
        "favicon_path": STATIC / "icon.png",
        "js": script("page"),
        "head_paths": [STATIC / "languages.html"],
        "footer_links": ["api", "gradio", "settings"],
        "max_file_size": MAX_UPLOAD,
        "state_session_capacity": MAX_SESSIONS,
        "i18n": translations(),
        "run_history": False,
        "ssr_mode": False,
        "enable_monitoring": False,
    }


def _theme() -> gr.themes.Base:
    """Quiet surfaces and one accent; the font comes with gradio, so that nothing is fetched from other hosts."""
    return gr.themes.Base(
        primary_hue="teal", neutral_hue="slate", radius_size="lg",
        font=(gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif"),
        font_mono=("ui-monospace", "monospace"),
    ).set(
        body_background_fill="#f5f7fa", body_background_fill_dark="#0d131c",
        block_background_fill="#ffffff", block_background_fill_dark="#151d29",
        border_color_primary="#dfe5ec", border_color_primary_dark="#263243",
        button_primary_background_fill="#0f766e", button_primary_background_fill_hover="#115e59",
        button_primary_background_fill_dark="#0f766e", button_primary_background_fill_hover_dark="#115e59",
        button_primary_text_color="#ffffff",
    )  # fmt: skip
