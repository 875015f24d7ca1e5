"""WCAG 2.1 A and AA as far as axe can tell, in light and dark, wide and narrow; and the page by keyboard alone."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.page.test_album_page import tagged
from tests.page.visits import ask, changes

pytestmark = pytest.mark.page

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
MOST_STOPS = 80
"""Presses of Tab after which what is looked for should have come."""


def faults(page):
    """What breaks a rule, with its place; contrast over a picture or in a plot cannot be told, and is not among it."""
    page.wait_for_function("document.getAnimations().every(({playState}) => playState !== 'running')")  # half faded
    found = Axe().run(page, options=RULES).response
    assert len(found["passes"]) > 20  # it has looked
    return [(broken["id"], node["target"]) for broken in found["violations"] for node in broken["nodes"]]


def tab_to(page, place, key="Tab"):
    for _ in range(MOST_STOPS):
        page.keyboard.press(key)
        if place.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{MOST_STOPS} presses of {key} never came to {place}")


@pytest.mark.parametrize("theme, width", [("light", 1280), ("dark", 360)])
def test_no_tab_breaks_a_rule_of_wcag(page, theme, width):
    page.set_viewport_size({"width": width, "height": 900})
    if theme != "light":  # in which the visit began
        page.goto(page.url.replace("__theme=light", f"__theme={theme}"))
        page.locator("#tags .summary").wait_for()
    page.locator(".tag-row").nth(2).click()
    page.locator(".tag-row[aria-pressed='true']").wait_for()
    page.locator("#why .sentence").first.wait_for()
    before = page.locator("#results").inner_text()
    ask(page, "kite, velvet armchair")
    changes(page, "#results", before)
    page.locator("#plot svg:visible").first.wait_for()
    page.get_by_role("button", name="Link to this view").click()
    page.wait_for_function("document.querySelector('#share-link input')?.value.startsWith('http')")
    assert faults(page) == []
    page.get_by_role("tab", name="Compare").click()
    page.locator("#versus-found svg:visible").first.wait_for()
    assert faults(page) == []
    page.get_by_role("tab", name="Many photos").click()
    page.get_by_role("button", name="Try the example photos").click()
    tagged(page, 8)
    page.get_by_label("Category for these photos").fill("kite")
    page.get_by_label("Category for these photos").press("Enter")
    page.locator("#album-winners table.winners tbody tr").nth(7).wait_for()
    assert faults(page) == []


def test_a_tag_is_explained_a_category_scored_and_a_tab_changed_by_keyboard_alone(page):
    tab_to(page, page.locator(".tag-row").nth(2))
    name = page.evaluate("document.activeElement.querySelector('.name').innerText")
    page.keyboard.press("Enter")
    page.locator(".tag-row[aria-pressed='true'] .name", has_text=name).wait_for()
    before = page.locator("#results").inner_text()
    tab_to(page, page.get_by_label("Categories"))
    page.keyboard.type("velvet armchair")
    page.keyboard.press("Enter")
    changes(page, "#results", before)
    page.locator("#results").get_by_text("velvet armchair").first.wait_for()
    tab_to(page, page.get_by_role("tab", name="Compare"), key="Shift+Tab")
    page.keyboard.press("Enter")
    page.get_by_role("tab", name="Compare", selected=True).wait_for()
