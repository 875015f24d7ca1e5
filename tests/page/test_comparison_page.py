"""Comparison of models, downloads and links in a real browser."""

import csv
import io
import json
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.page.visits import EXAMPLES, ask, choose, compare, plot_texts, typed, upload, verdict, without_photo

FOUND = "#compare-found"
ROWS = """rows => rows.map(row => [
  row.dataset.tag, [...row.querySelectorAll('.value')].map(one => Number(one.textContent)),
])"""


def open_section(page):
    page.get_by_role("tab", name="Compare").click()


def rows(page, group):
    """Tags of a group with the probability of each model, in the order of the page."""
    page.locator(f"{FOUND} .group").first.wait_for()
    return page.locator(f"{FOUND} [data-group={group}] .versus").evaluate_all(ROWS)


def test_rows_are_grouped_by_verdict_beside_the_photo(page):
    choose(page, "dogs.jpg")
    page.locator("#tags .tag-row").first.wait_for()
    open_section(page)
    differ, yes, no = (rows(page, group) for group in ("differ", "yes", "no"))
    assert "dog" in [tag for tag, _ in yes] and differ and len(no) == 30
    apart = [max(values) - min(values) for _, values in differ]
    assert all(later <= before + 0.011 for before, later in pairwise(apart))  # rounded to two digits
    assert page.locator(f"{FOUND} [data-group=differ] .versus").first.is_visible()
    assert page.locator(f"{FOUND} [data-group=no] .versus").first.is_hidden()
    page.locator(f"{FOUND} [data-group=no] summary").click()
    page.locator(f"{FOUND} [data-group=no] .versus").first.wait_for()
    photo, first = (page.locator(f"{FOUND} {part}").first.bounding_box() for part in (".beside img", ".versus"))
    assert photo["x"] + photo["width"] < first["x"] and abs(photo["y"] - first["y"]) < 200
    timing = page.get_by_role("table", name="Time of each model")
    assert timing.get_by_role("rowheader").all_inner_texts() == ["RAM++", "RAM"]
    with page.expect_download() as download:
        page.locator(FOUND).get_by_role("link", name="Download these numbers as CSV").click()
    saved = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert [row["category"] for row in saved] == [tag for tag, _ in [*differ, *yes, *no]]
    assert float(saved[0]["RAM++"]) == pytest.approx(differ[0][1][0], abs=0.006)


def test_a_row_leads_to_the_reasons_of_its_tag(page):
    choose(page, "dogs.jpg")
    ask(page, "corgi, kite")
    plot_texts(page)
    open_section(page)
    tag, values = rows(page, "differ")[0]
    page.locator(f"{FOUND} .versus").first.click()
    page.get_by_role("tab", name="One photo", selected=True).wait_for()
    page.locator(f"#why .why[data-tag='{tag}']").wait_for()
    assert float(verdict(page)) == values[0]
    open_section(page)
    page.get_by_label("my categories").check()
    page.locator(f"{FOUND} .versus[data-tag=corgi]").wait_for(state="attached")
    if not page.locator(f"{FOUND} .versus[data-tag=corgi]").is_visible():
        page.locator(f"{FOUND} [data-group=no] summary").click()
    page.locator(f"{FOUND} .versus[data-tag=corgi]").focus()
    page.keyboard.press("Enter")
    page.locator("#why .why[data-tag=corgi]").wait_for()
    assert page.locator("#why-panel").bounding_box()["y"] < 900


def test_without_a_photo_a_sentence_asks_for_one(page):
    page.locator("#tags .tag-row").first.wait_for()
    page.locator("#photo").get_by_role("button").first.click()
    page.locator("#tags .placeholder").wait_for()
    open_section(page)
    page.get_by_text("there is no photo yet").wait_for()


def test_typed_categories_are_compared_too(page):
    choose(page, "dogs.jpg")
    ask(page, "corgi, kite")
    plot_texts(page)
    open_section(page)
    page.get_by_label("my categories").check()
    page.locator(f"{FOUND} .versus[data-tag=kite]").wait_for(state="attached")
    found = {tag for group in ("differ", "yes", "no") for tag, _ in rows(page, group)}
    assert found == {"corgi", "kite"}
    page.get_by_text("As a figure").click()
    page.locator(f"{FOUND} .wide svg text").filter(has_text="kite").first.wait_for()
    with page.expect_download() as download:
        page.locator(FOUND).get_by_role("button", name="Download this plot as SVG").click()
    assert "kite" in download.value.path().read_text()


def test_the_plot_and_its_numbers_can_be_saved(page):
    choose(page, "dogs.jpg")
    ask(page, "corgi, kite")
    plot_texts(page)
    with page.expect_download() as download:
        page.locator("#plot").get_by_role("button", name="Download this plot as SVG").click()
    drawn = download.value.path().read_text()
    assert download.value.suggested_filename == "categories.svg" and "corgi" in drawn and "#0f766e" in drawn
    with page.expect_download() as download:
        page.locator("#plot").get_by_role("link", name="Download these numbers as JSON").click()
    rows = json.loads(download.value.path().read_text())
    assert {(row["category"], row["model"]) for row in rows} == {
        (category, model) for category in ("corgi", "kite") for model in ("RAM++", "RAM")
    }


def test_a_link_opens_example_categories_and_describer(page, address):
    choose(page, "cat.jpg")
    page.get_by_label("Templates").check()
    ask(page, "corgi, crème & brûlée")
    before = sorted(plot_texts(page))
    page.get_by_role("button", name="Link to this view").click()
    link = page.get_by_label("Link to this view").and_(page.locator("input"))
    page.wait_for_function("document.querySelector('#share-link input')?.value.startsWith('http')")
    told = parse_qs(urlsplit(link.input_value()).query)
    assert told["photo"] == ["cat.jpg"] and told["categories"] == ["corgi, crème & brûlée"]
    page.goto(f"{link.input_value()}&__theme=light")
    assert sorted(plot_texts(page)) == before
    assert page.get_by_label("Templates").is_checked()


def test_a_link_opens_the_selected_tag_and_meaning(page):
    choose(page, "dogs.jpg")
    ask(page, "kite")
    choice = page.get_by_label("What kite means")
    bird = choice.locator("option").filter(has_text="hawk").get_attribute("value")
    choice.select_option(value=bird)
    page.locator(".typed-row option[selected]", has_text="hawk").wait_for(state="attached")
    compare(page)
    page.locator("#cards").get_by_text("a kind of hawk").wait_for()
    page.locator("#tags [data-tag=brown]").click()
    page.locator("#why .why[data-tag=brown]").wait_for()
    page.get_by_role("button", name="Link to this view").click()
    page.wait_for_function("document.querySelector('#share-link input')?.value.startsWith('http')")
    link = page.locator("#share-link input").input_value()
    assert "stay here" not in page.locator("#share-link").inner_text()
    page.locator("#why .sentence").first.get_by_role("checkbox").click()
    page.locator("#why .sentence.off").wait_for()
    page.get_by_role("button", name="Link to this view").click()
    page.locator("#share-link").get_by_text("stay here").wait_for()
    page.goto(f"{link}&__theme=light")
    page.locator("#why .why[data-tag=brown]").wait_for()
    assert page.locator("#tags [data-tag=brown]").get_attribute("aria-pressed") == "true"
    page.locator(".typed-row option[selected]", has_text="hawk").wait_for(state="attached")
    compare(page)
    page.locator("#cards").get_by_text("a kind of hawk").wait_for()
    assert choice.input_value() == bird


def test_a_link_opens_an_upload(page, address):
    without_photo(page)
    upload(page, "mine.png", (EXAMPLES / "bee.jpg").read_bytes())
    page.locator("#tags .tag-row").first.wait_for()
    page.get_by_role("button", name="Link to this view").click()
    page.get_by_text("as long as the photo is kept here").wait_for()
    page.wait_for_function("document.querySelector('#share-link input')?.value.startsWith('http')")
    page.goto(page.locator("#share-link input").input_value())
    page.locator("#tags .tag-row").first.wait_for()


def test_an_invalid_link_says_so_and_runs_nothing(page, address):
    hostile = "photo=<img src=x onerror=window.reached=1>&categories=<script>window.reached=1</script>" + "x" * 60
    page.goto(f"{address}&{hostile}&upload=../../etc/passwd")
    page.locator("#share-notice").get_by_text("not on this page").wait_for()
    page.locator("#share-notice").get_by_text("no longer kept").wait_for()
    assert page.evaluate("window.reached") is None
    choose(page, "cat.jpg")


def test_an_expired_link_scores_no_other_photo(page, address):
    page.goto(f"{address}&upload={'0' * 64}/mine.jpg&categories=corgi")
    page.locator("#share-notice").get_by_text("no longer kept").wait_for()
    page.locator("p").get_by_text("what you typed is kept").wait_for()
    assert page.locator("#tags .placeholder").count() == 1
    assert page.locator("#photo img").count() == 0
    assert page.locator("#results svg").count() == 0


def test_a_link_opens_at_the_top_of_the_page(page, address):
    page.goto(f"{address}&photo=cat.jpg&categories=corgi")
    typed(page, "corgi")
    assert page.evaluate("scrollY") == 0


def test_the_comparison_fits_a_narrow_screen(page):
    page.set_viewport_size({"width": 360, "height": 740})
    choose(page, "dogs.jpg")
    open_section(page)
    page.locator(f"{FOUND} .versus").first.wait_for()
    page.get_by_text("As a figure").click()
    page.locator(f"{FOUND} .narrow svg").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
