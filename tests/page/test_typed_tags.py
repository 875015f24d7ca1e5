"""Typed categories are rows at the top of the list of tags; one word in one photo is one row."""

import re

from tests.page.visits import ask, choose, compare, present, row_value, select, typed, verdict


def test_what_is_typed_stands_beside_the_photo_and_nothing_scrolls(page):
    page.set_viewport_size({"width": 1440, "height": 900})
    choose(page, "dogs.jpg")
    tops = [page.locator(place).bounding_box()["y"] for place in ("#photo", "#categories", "#examples")]
    assert tops == sorted(tops)
    ask(page, "meteor shower, wooden house")
    before = page.evaluate("scrollY")
    typed(page, "meteor shower", "wooden house")
    page.wait_for_function("document.getAnimations().every(one => one.playState !== 'running')")
    assert page.evaluate("scrollY") == before
    row = page.locator(".typed-row[data-category='wooden house']")
    assert row.bounding_box()["y"] < page.locator("#tags .summary").bounding_box()["y"]
    assert row.locator(".marks .mark").evaluate_all("marks => marks.map(one => one.dataset.model)") == ["1", "0"]
    first, second = (float(text) for text in row.locator(".others b").all_inner_texts())
    assert f"{first:.2f}" == row_value(page, "wooden house") and 0 <= second <= 1
    assert page.locator(".legend").inner_text().split() == ["RAM++", "RAM", "threshold"]
    assert "wood" in row.locator(".best").inner_text() or "house" in row.locator(".best").inner_text()
    assert page.locator("#plot svg, #cards article").count() == 0  # only on asking


def test_a_row_leads_to_why(page):
    choose(page, "dogs.jpg")
    ask(page, "wooden house")
    typed(page, "wooden house")
    page.locator(".typed-row .tag-row").focus()
    page.keyboard.press("Enter")
    page.locator("#why .why[data-tag='wooden house']").wait_for()
    assert verdict(page) == row_value(page, "wooden house")
    assert page.locator(".tag-row[aria-pressed=true]").get_attribute("data-tag") == "wooden house"


def test_the_plot_and_cards_come_on_asking_and_go_again(page):
    choose(page, "dogs.jpg")
    assert page.locator("#asker").is_hidden()
    ask(page, "meteor shower")
    typed(page, "meteor shower")
    button = page.get_by_role("button", name="Compare RAM++ and RAM in a plot")
    assert button.get_attribute("aria-expanded") == "false"
    button.click()
    page.locator("#plot .wide svg").wait_for()
    page.wait_for_function("document.querySelector('#results').getBoundingClientRect().top < innerHeight / 2")
    page.get_by_role("button", name="Hide the plot and the sentences").click()
    page.locator("#results").wait_for(state="hidden")


def test_a_typed_tag_shows_both_scores_in_one_row(page):
    choose(page, "dogs.jpg")
    before = row_value(page, "dog")
    page.get_by_label("Templates").check()  # other sentences than the model's own
    ask(page, "dog")
    typed(page, "dog")
    page.locator("#tags [data-tag=dog]").wait_for(state="detached")
    row = page.locator(".tag-row[data-tag=dog]")
    assert row.count() == 1 and row_value(page, "dog") == before
    assert row.locator(".listed b").inner_text() == before
    place = row.locator(".mark[data-model='0']").evaluate("mark => parseFloat(mark.style.left)")
    assert f"{place / 100:.2f}" == before  # the mark is where the number says
    row.click()
    page.locator("#why .why[data-tag=dog]").wait_for()
    assert verdict(page) == before
    compare(page)
    chips = page.locator("#cards [data-category=dog] .chip b").all_inner_texts()
    assert row.locator(".others > span:not(.listed) b").all_inner_texts() == chips


def test_edits_are_kept_when_a_category_is_typed_again(page):
    choose(page, "dogs.jpg")
    ask(page, "wooden house")
    typed(page, "wooden house")
    page.locator(".typed-row .tag-row").click()
    page.locator("#why .why[data-tag='wooden house']").wait_for()
    page.get_by_label("A sentence of your own for wooden house").fill("two brown dogs look out of a window")
    page.keyboard.press("Enter")
    page.locator(".typed-row .edited").wait_for()
    edited = row_value(page, "wooden house")
    ask(page, "meteor shower")
    typed(page, "meteor shower")
    ask(page, "meteor shower, wooden house")
    typed(page, "meteor shower", "wooden house")
    page.locator(".typed-row[data-category='wooden house'] .edited").wait_for()
    assert row_value(page, "wooden house") == edited


def test_a_suggestion_is_scored_by_one_click(page):
    choose(page, "dogs.jpg")
    page.locator("#suggestions [data-suggest]").first.wait_for()
    words = page.locator("#suggestions [data-suggest]").evaluate_all("all => all.map(one => one.dataset.suggest)")
    assert 1 <= len(words) <= 5 and not set(words) & set(present(page))
    page.get_by_label("Categories").fill("meteor shower")
    page.locator("#suggestions [data-suggest]").first.click()
    typed(page, "meteor shower", words[0])
    assert page.get_by_label("Categories").input_value() == f"meteor shower, {words[0]}"
    choose(page, "coffee.jpg")
    page.locator(f"#suggestions [data-suggest='{words[0]}']").wait_for(state="detached")


def test_the_box_completes_the_last_category_by_keyboard(page):
    choose(page, "dogs.jpg")
    box = page.get_by_role("combobox", name="Categories").or_(page.get_by_label("Categories"))
    box.focus()
    page.keyboard.type("meteor shower, COCK")
    options = page.get_by_role("listbox").get_by_role("option")
    options.first.wait_for()
    assert box.get_attribute("aria-expanded") == "true"
    assert all("cock" in text.lower() for text in options.all_inner_texts()) and options.count() <= 8
    page.keyboard.press("ArrowUp")  # the last one
    assert options.last.get_attribute("aria-selected") == "true"
    assert box.get_attribute("aria-activedescendant") == options.last.get_attribute("id")
    page.keyboard.press("Escape")
    page.get_by_role("listbox").wait_for(state="hidden")
    assert box.input_value() == "meteor shower, COCK"
    page.keyboard.type("er")
    options.first.wait_for()
    page.keyboard.press("ArrowDown")
    word = options.first.get_attribute("data-word")
    page.keyboard.press("Enter")
    page.get_by_role("listbox").wait_for(state="hidden")
    assert box.input_value() == f"meteor shower, {word}" and page.locator(".typed-row").count() == 0
    page.keyboard.press("Enter")  # without a choice it scores
    typed(page, "meteor shower", word)


def test_completions_are_text_and_bounded(page, address):
    root = address.partition("?")[0]
    words = page.request.get(f"{root}completions?q=d").json()["words"]
    assert len(words) == 8 and words[0] == {"word": "dog", "predefined": True}
    for query in ("%3Cb%3E", "x" * 5000, ""):
        assert page.request.get(f"{root}completions?q={query}").json() == {"words": []}
    page.route(re.compile("completions"), lambda route: route.fulfill(
        json={"words": [{"word": "<img src=x onerror=alert(1)>", "predefined": False}]}
    ))  # fmt: skip
    page.get_by_label("Categories").focus()
    page.keyboard.type("img")
    page.get_by_role("option").get_by_text("<img src=x onerror=alert(1)>").wait_for()
    assert page.locator("#completions img").count() == 0


def test_the_slider_shows_fewer_and_more_tags_at_once(page):
    choose(page, "dogs.jpg")
    before = present(page)
    slider = page.get_by_label("Show more or fewer tags")
    slider.focus()
    page.keyboard.press("Home")
    fewer = present(page)
    assert set(fewer) < set(before) and page.locator("#tags .count").inner_text() == f"{len(fewer)} tags"
    assert slider.get_attribute("aria-valuetext") == f"{len(fewer)} tags"
    page.keyboard.press("End")
    assert set(present(page)) > set(before)
    page.get_by_text("over a lower threshold").wait_for()
    select(page, before[0])  # what the server draws again keeps the slider
    assert set(present(page)) > set(before)
    slider.fill("0")
    assert present(page) == before


def test_tags_stand_by_kind_with_a_verdict_first(page):
    choose(page, "dogs.jpg")
    headings = page.locator(".tag-group:visible h3").all_inner_texts()
    assert headings[0] == "Objects" and set(headings) <= {"Objects", "Scene", "Attributes", "Actions", "Other"}
    row = page.locator("#tags [data-tag=dog]")
    assert row.inner_text().split()[:2] == ["sure", "dog"]
    assert page.locator(".tag-group[aria-label=Attributes] [data-tag=brown]").count() == 1
    assert page.locator("#tags .tag-row:visible:not([data-present]) .verdict-word.sure").count() == 0
