"""The page: its sections under one head, its looks and its limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from demo.api import add_endpoints
from demo.core.actions import Workbench
from demo.core.examples import Example
from demo.sections.album import AlbumSection
from demo.sections.parts import DESCRIBED_AT_ONCE, OWN, html
from demo.sections.photo import PhotoSection
from demo.sections.share import ShareBar
from demo.sections.versus import VersusSection
from demo.views import markup
from ram.evaluation.baselines import ABSENT

TITLE = "Open-set image tagging"
WAITING = 64
"""Requests in the queue before a further one is turned away."""
KEPT_SECONDS = 3600
"""How long uploaded files are kept."""
LARGEST_UPLOAD = 200_000_000
"""Bytes of an archive of photos; a single photo has its own, smaller limit when it is opened."""
SESSIONS = 200
"""Visitors whose photos and categories are kept; past that the one seen longest ago is forgotten."""


def build_page(
    bench: Workbench, examples: Sequence[Example], describers: Mapping[str, str], hint: str = ""
) -> gr.Blocks:
    """Lay the page out and wire it.

    Args:
        bench: the models and describers behind it.
        examples: photos to try.
        describers: what may be chosen, name to label, the default first.
        hint: a sentence about describers that are not on offer.
    """
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(KEPT_SECONDS, KEPT_SECONDS)) as blocks:
        add_endpoints(bench)  # first: gradio names later functions that are called the same otherwise
        html(markup.header(bench.labels, len(bench.taggers[0].bank)))
        with gr.Tabs(elem_id="sections"):
            with gr.Tab("One photo", id="photo"):
                told = html("", "share-notice")
                photo = PhotoSection(bench, examples, describers, hint)
                share = ShareBar(photo, told)
            with gr.Tab("Compare", id="versus") as tab:
                absent = [] if "CLIP" in bench.labels.values() else [ABSENT]
                VersusSection(bench, absent).wire(tab, photo.looked, photo.typed)
            with gr.Tab("Many photos", id="album"):
                AlbumSection(bench, [example.path for example in examples], describers).wire()
        photo.wire()
        share.wire(blocks)
        blocks.load(photo.on_visit, None, photo.meter, show_progress="hidden", **OWN)
    return blocks.queue(max_size=WAITING, default_concurrency_limit=DESCRIBED_AT_ONCE, api_open=False)


def launch_options() -> dict[str, Any]:
    """Looks, limits and links, for `Blocks.launch`."""
    views = Path(__file__).parent / "views"
    return {
        "theme": _theme(),
        "css_paths": [views / "page.css", views / "album.css"],
        "favicon_path": views / "icon.png",
        "js": (views / "page.js").read_text(encoding="utf-8"),
        "footer_links": ["gradio", "settings"],
        "max_file_size": LARGEST_UPLOAD,
        "state_session_capacity": SESSIONS,
        "run_history": False,
        "ssr_mode": False,
        "enable_monitoring": False,
    }


def _theme() -> gr.themes.Base:
    """Quiet surfaces and one accent; the font comes with gradio, so that nothing is fetched from elsewhere."""
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
