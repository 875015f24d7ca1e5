"""The page: layout and wiring. What happens is in `actions`, what it looks like in `markup` and `page.css`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from demo import markup
from demo.actions import Categories, Photo, Workbench, explain, paced
from demo.examples import Example

TITLE = "Open-set image tagging"
ONE_AT_A_TIME = {"concurrency_id": "photo", "concurrency_limit": 1}
"""Photos are looked at one after the other: two at once only slow each other down, and the last one given wins."""
LANGUAGE_MODEL_CALLS = 4
"""Visitors whose categories are described at the same time; describers mostly wait for a network."""
WAITING = 64
"""Requests in the queue before a further one is turned away."""
KEPT_SECONDS = 3600
"""How long uploaded files and the state of a closed page are kept."""

ASK_FOR_A_PHOTO = "Choose a photo to see how likely each category is: what you typed is kept for it."
CHOOSE_EXAMPLE = """
element.addEventListener('click', event => {
  const button = event.target.closest('button[data-name]');
  if (button) trigger('click', {name: button.dataset.name});
});
"""

_Update = dict[Any, Any]


def build_page(
    bench: Workbench, examples: Sequence[Example], describers: Mapping[str, str], hint: str = ""
) -> gr.Blocks:
    """Lay the page out.

    Args:
        bench: the models and describers behind it.
        examples: photos to try.
        describers: what may be chosen, name to label, the default first.
        hint: a sentence about describers that are not on offer.
    """
    labels = bench.labels
    by_name = {example.path.name: example.path for example in examples}

    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(KEPT_SECONDS, KEPT_SECONDS)) as page:
        looked, typed = gr.State(), gr.State()
        _html(markup.header(labels, len(bench.taggers[0].bank)))
        with gr.Row(elem_id="look"):
            with gr.Column(scale=5, min_width=300, elem_id="photo-side"):
                photo = gr.Image(
                    type="filepath", image_mode=None, sources=["upload"], format="jpeg", height=340,
                    label="Photo", show_label=False, buttons=[], elem_id="photo", alt_text="The photo to be tagged",
                    placeholder="Drop or paste a photo here,\nor click to choose one",
                )  # fmt: skip
                photo_notice = _html("", "photo-notice")
                strip = _html(markup.examples(examples), "examples", js_on_load=CHOOSE_EXAMPLE)
            with gr.Column(scale=7, min_width=300, elem_id="tag-side"):
                _html("<h2>Tags</h2>")
                tags = _html(markup.no_tags(), "tags")
        with gr.Column(elem_id="ask"):
            _html("""<h2>Your own categories</h2><p class="hint">Anything you can name, separated by commas.
Each is described in sentences, and those are held against the photo. No model is trained again.</p>""")
            with gr.Row(elem_id="ask-row"):
                box = gr.Textbox(
                    label="Categories", show_label=False, placeholder="corgi, meteor shower", max_lines=1, scale=5,
                    min_width=220, elem_id="categories",
                )  # fmt: skip
                button = gr.Button("Describe and score", variant="primary", scale=1, min_width=160, elem_id="score")
            choice = gr.Radio(
                [(label, name) for name, label in describers.items()], value=next(iter(describers)),
                label="Described by", info=hint or None, elem_id="describer",
            )  # fmt: skip
            typed_notice = _html("", "typed-notice")
            plot = _html("", "plot")
            cards = _html("", "cards")

        def on_photo(upload: Mapping[str, Any] | None) -> Iterator[_Update]:
            yield from tag((upload or {}).get("path"))

        def on_example(chosen: gr.EventData) -> Iterator[_Update]:
            yield from tag(by_name.get(str(chosen._data.get("name"))))

        def tag(path: str | Path | None) -> Iterator[_Update]:
            if path is None:
                return
            shown = None
            try:
                for tagged in bench.tag(path):
                    update = {looked: tagged.photo}
                    if shown is None:
                        shown = tagged.preview
                        update |= {photo: shown, tags: markup.tags(tagged), photo_notice: ""}
                    yield update
            except Exception as error:
                yield {**no_photo(), photo: None, photo_notice: markup.notice([explain(error)])}

        def no_photo() -> _Update:
            return {looked: None, tags: markup.no_tags(), photo_notice: ""}

        def on_categories(
            text: str, describer: str, seen: Photo | None, held: Categories | None
        ) -> Iterator[_Update]:
            scores, finished = {}, 0
            try:
                for state in paced(bench.describe(text, describer)):
                    if len(state.finished) > finished:
                        scores, finished = bench.score(seen, state), len(state.finished)
                    yield {
                        typed: state,
                        plot: "",
                        cards: markup.categories(state, scores, labels),
                        typed_notice: markup.notice(state.notices),
                    }
            except Exception as error:
                yield {typed_notice: markup.notice([explain(error)])}

        def score(seen: Photo | None, held: Categories | None) -> _Update:
            if held is None:
                return {plot: ""}
            try:
                scores = bench.score(seen, held)
                drawn = markup.comparison(scores, labels) or markup.notice([ASK_FOR_A_PHOTO], "hint")
                return {plot: drawn, cards: markup.categories(held, scores, labels)}
            except Exception as error:
                return {typed_notice: markup.notice([explain(error)])}

        seen_outputs = [looked, photo, tags, photo_notice]
        rescore = {"fn": score, "inputs": [looked, typed], "outputs": [plot, cards, typed_notice], "show_progress": "hidden"}
        hidden = {"api_visibility": "private"}
        for event in (
            photo.upload(
                on_photo, photo, seen_outputs, preprocess=False, show_progress_on=tags, trigger_mode="multiple",
                **ONE_AT_A_TIME, **hidden,
            ),
            strip.click(
                on_example, None, seen_outputs, show_progress_on=tags, trigger_mode="multiple", **ONE_AT_A_TIME, **hidden
            ),
            photo.clear(no_photo, None, [looked, tags, photo_notice], show_progress="hidden", **ONE_AT_A_TIME, **hidden),
            gr.on(
                [box.submit, button.click], on_categories, [box, choice, looked, typed],
                [typed, plot, cards, typed_notice], show_progress_on=[cards],
                concurrency_limit=LANGUAGE_MODEL_CALLS, trigger_mode="always_last", **hidden,
            ),
        ):  # fmt: skip
            event.then(**rescore, **hidden)
    return page.queue(max_size=WAITING, default_concurrency_limit=LANGUAGE_MODEL_CALLS)


def launch_options() -> dict[str, Any]:
    """Looks, limits and links, for `Blocks.launch`."""
    return {
        "theme": _theme(),
        "css_paths": Path(__file__).with_name("page.css"),
        "js": Path(__file__).with_name("page.js").read_text(encoding="utf-8"),
        "footer_links": ["gradio", "settings"],
        "max_file_size": "20mb",
        "state_session_capacity": 200,
        "run_history": False,
        "ssr_mode": False,
        "enable_monitoring": False,
    }


def _html(value: str, elem_id: str | None = None, js_on_load: str | None = None) -> gr.HTML:
    return gr.HTML(value, elem_id=elem_id, js_on_load=js_on_load, apply_default_css=False, padding=False)


def _theme() -> gr.themes.Base:
    """Quiet surfaces and one accent; the fonts come with gradio, so that nothing is fetched from elsewhere."""
    font = [gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif"]
    return gr.themes.Base(
        primary_hue="teal", neutral_hue="slate", radius_size="lg", font=font, font_mono=["ui-monospace", "monospace"]
    ).set(
        body_background_fill="#f5f7fa", body_background_fill_dark="#0d131c",
        block_background_fill="#ffffff", block_background_fill_dark="#151d29",
        border_color_primary="#dfe5ec", border_color_primary_dark="#263243",
        button_primary_background_fill="#0f766e", button_primary_background_fill_hover="#115e59",
        button_primary_background_fill_dark="#0f766e", button_primary_background_fill_hover_dark="#0d9488",
        button_primary_text_color="#ffffff",
    )  # fmt: skip
