"""The caption under the photo, by a tiny captioner that learned nothing, in a real browser."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from ram.caption_reranking import rank_captions
from ram.checkpoints.model_folder import save_model
from ram.tagger_loading import load
from tests.captions import captioning_config, captioning_model
from tests.page.conftest import watched
from tests.page.visits import EXAMPLES, choose, without_photo
from tests.server import page_served
from tests.tiny import tiny_bank

DOGS = "dogs.jpg"
FOLLOWS = 4
"""Seed of random weights that write other words for other tags."""
READ_APART = {"seen_separator": " the ", "seen_tags": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model whose captions follow seen and given tags; it sees every tag of its vocabulary."""
    bank = tiny_bank()
    every = bank.vocabulary.with_thresholds([0.0] * len(bank))
    path = tmp_path_factory.mktemp("models") / "captioner"
    model = captioning_model(FOLLOWS, **READ_APART)
    save_model(path, captioning_config(**READ_APART), model, replace(bank, vocabulary=every))
    return path


@pytest.fixture(scope="module")
def captioning(folder, tmp_path_factory):
    flags = ("--captioner", str(folder), "--compare-model", "none", "--no-llm")
    with page_served(*flags, GRADIO_TEMP_DIR=str(tmp_path_factory.mktemp("uploads"))) as server:
        yield server


@pytest.fixture
def page(context, captioning):
    with watched(context) as visit:
        visit.goto(f"{captioning.address}/?__theme=light")
        visit.locator("#caption .own").wait_for(state="attached")  # of the example that the page opens with
        yield visit


def unfold(page):
    page.get_by_text("Change the tags that guide it").click()


def own(page):
    return page.locator("#caption .own").text_content()


def chosen(tagger, photo):
    """The captions of a photo as the package ranks them, with the page's main model."""
    judge = load("ram-plus-lite")
    return rank_captions(tagger, tagger.look(photo), judge, judge.look(photo))


def add(page, text):
    page.get_by_label("Tags that the caption is to mention").fill(text)
    page.get_by_role("button", name="Mention it").click()


WATCH = """() => {
  window.seen = [];  // whether a caption stands there, whenever that changes while the tags are those of the coffee
  new MutationObserver(() => {
    if (!document.querySelector('#tags [data-present][data-tag=coffee]')) return;
    const stands = Boolean(document.querySelector('#caption .own'));
    if (window.seen.at(-1) !== stands) window.seen.push(stands);
  }).observe(document.body, {childList: true, subtree: true});
}"""


def test_no_caption_of_the_photo_before_stands_there(page):
    choose(page, "dogs.jpg")
    page.locator("#caption .own").wait_for(state="attached")
    page.evaluate(WATCH)
    page.locator("#examples button[data-name='coffee.jpg']").click()
    page.wait_for_function("window.seen.at(-1)")
    assert page.evaluate("window.seen") == [False, True]


def test_the_caption_is_the_models_and_follows_the_photo(page, folder):
    tagger = load(str(folder))
    ranked = chosen(tagger, EXAMPLES / DOGS)
    assert own(page) == ranked[0].caption.text and len(ranked) > 1
    page.locator("#caption .ranked summary").click()
    listed = page.locator("#caption .ranked li:visible .value").all_text_contents()
    assert listed == [f"{one.score.probability:.2f}" for one in ranked]
    seen = tagger.tag(EXAMPLES / DOGS).tags[: READ_APART["seen_tags"]]
    unfold(page)
    assert page.locator("#caption [data-switch]").evaluate_all("all => all.map(one => one.dataset.switch)") == seen
    without_photo(page)
    page.locator("#caption .own").wait_for(state="detached")
    choose(page, "coffee.jpg")
    page.locator("#caption .own").wait_for(state="attached")
    assert own(page) == chosen(tagger, EXAMPLES / "coffee.jpg")[0].caption.text


def test_tags_are_added_and_taken_away_beside_the_own_caption(page, folder):
    tagger, before = load(str(folder)), own(page)
    unfold(page)
    add(page, "two trees, grass")
    steered = page.locator("#caption .steered")
    steered.wait_for()
    expected = tagger.caption(EXAMPLES / DOGS, ["two trees", "grass"])
    assert steered.text_content() == expected != before and own(page) == before
    marked = " ".join(page.locator("#caption mark").all_text_contents()).split()
    assert marked and set(marked) <= set(expected.split())
    page.get_by_label("Remove two trees, which you added").click()
    page.get_by_label("Remove two trees, which you added").wait_for(state="detached")
    assert steered.text_content() == tagger.caption(EXAMPLES / DOGS, ["grass"])
    page.get_by_role("button", name="Undo").click()
    steered.wait_for(state="detached")
    first = page.locator("#caption [data-switch]").first
    first.click()
    page.locator("#caption [aria-pressed=false]").wait_for()
    assert own(page) == before and steered.count() == 1
    first.click()
    steered.wait_for(state="detached")


def test_a_tag_that_cannot_be_read_is_told_and_nothing_is_lost(page):
    unfold(page)
    add(page, "grass")
    page.locator("#caption .steered").wait_for()
    shown = page.locator("#caption .steered").text_content()
    for text, sentence in (("<b>", "cannot have the character <"), ("zzqx", "the captioner cannot read")):
        add(page, text)
        page.locator("#caption-notice .notice").get_by_text(sentence).wait_for()
        assert page.locator("#caption .steered").text_content() == shown
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_captions_of_many_photos_are_exported(page, folder):
    page.get_by_role("tab", name="Many photos").click()
    page.get_by_role("button", name="Try the example photos").click()
    page.locator("#album-progress").get_by_text("8 photos tagged").wait_for()
    with page.expect_download() as saving:
        page.get_by_role("button", name="Download captions.csv").click()
    rows = list(csv.DictReader(io.StringIO(Path(saving.value.path()).read_text(encoding="utf-8"))))
    assert saving.value.suggested_filename == "captions.csv" and len(rows) == 8
    tagger = load(str(folder))
    assert rows[0]["caption"] == chosen(tagger, EXAMPLES / rows[0]["image"])[0].caption.text
