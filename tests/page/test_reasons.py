"""The Why panel lists what describes a tag, and folds the sentences that only say its name."""

import json
from pathlib import Path

import pytest

from tests.page.visits import ask, choose, plot_texts, verdict

LINES = ".editor > .sentence, .editor > .more .sentence, .by-name > summary"


def percent(line):
    return int(line.locator(".value").first.text_content().removeprefix("weight ").rstrip("%"))


def why_typed(page, category):
    choose(page, "dogs.jpg")
    ask(page, category)
    plot_texts(page)
    page.get_by_role("button", name=f"Why {category}").click()
    page.locator(f"#why .why[data-tag={category}]").wait_for()
    return page.locator("#why")


def test_sentences_that_only_say_the_name_are_one_line(page):
    why = why_typed(page, "corgi")
    folded = why.locator(".by-name")
    names = folded.locator("textarea").evaluate_all("all => all.map(one => one.value)")
    assert sorted(names) == ["a photo of a corgi.", "there is a corgi."]
    assert not folded.locator("textarea").first.is_visible()
    listed = why.locator(".editor > .sentence textarea").evaluate_all("all => all.map(one => one.value)")
    assert listed and not set(listed) & set(names)
    with page.expect_download() as download:
        why.get_by_role("link", name="Download these sentences as JSON").click()
    saved = {row["sentence"]: row["weight"] for row in json.loads(Path(download.value.path()).read_text())}
    assert set(saved) == {*names, *listed}
    assert sum(saved.values()) == pytest.approx(1, abs=1e-3)
    assert percent(folded.locator("summary")) == round(100 * sum(saved[name] for name in names))
    lines = why.locator(LINES)
    assert sum(percent(lines.nth(index)) for index in range(lines.count())) == pytest.approx(100, abs=lines.count() / 2)


def test_the_folded_line_says_what_the_score_is_without_it(page):
    why = why_typed(page, "spaniel")
    before, expected = verdict(page), why.locator(".by-name > summary .without").inner_text()[-4:]
    why.locator(".by-name summary").focus()
    page.keyboard.press("Enter")
    for index in range(why.locator(".by-name .sentence").count()):
        why.locator(".by-name .sentence").nth(index).get_by_role("checkbox").focus()
        key = page.evaluate("document.activeElement.dataset.key")
        page.keyboard.press("Space")
        why.locator(".by-name .sentence.off").nth(index).wait_for()  # visible: the list stays unfolded
        page.wait_for_function("key => document.activeElement.dataset.key === key", arg=key)
    assert verdict(page) == expected != before
    page.get_by_role("button", name="Undo all edits of spaniel").click()
    why.locator(".edited").wait_for(state="detached")
    assert verdict(page) == before


def test_a_box_is_shown_and_hidden_again(page):
    why = why_typed(page, "spaniel")
    why.get_by_role("button", name="Show a box").click()
    why.locator("rect.box").wait_for()
    assert "rough guess" in why.locator(".heat figcaption").inner_text()
    why.get_by_role("button", name="Hide the box").click()
    why.locator("rect.box").wait_for(state="detached")
