"""Tags are copied as comma-separated text."""

import pytest

from tests.page.test_album_page import TABLE, tagged
from tests.page.visits import choose, present

NO_CLIPBOARD = "Object.defineProperty(navigator, 'clipboard', {value: undefined})"
"""What a browser offers a page from http: nothing."""


def pasted(page):
    """What the clipboard holds, pasted into the box for categories as a visitor would."""
    if page.get_by_role("tab", name="One photo", selected=True).count() == 0:
        page.get_by_role("tab", name="One photo").click()
    page.get_by_label("Categories").fill("")
    page.get_by_label("Categories").focus()
    page.keyboard.press("Control+V")
    return page.get_by_label("Categories").input_value()


def announced(page, words):
    page.locator("#announcer").filter(has_text=words).wait_for(state="attached")


@pytest.mark.parametrize("context_is", ["secure", "insecure"])
def test_tags_over_their_thresholds_are_copied_by_keyboard(page, context_is):
    if context_is == "secure":
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    else:
        page.evaluate(NO_CLIPBOARD)
    choose(page, "dogs.jpg")
    button = page.get_by_role("button", name="Copy tags", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    page.locator("#tags .copy").get_by_text("Copied", exact=True).wait_for()
    announced(page, f"Copied {len(present(page))} tags")
    assert button.evaluate("button => document.activeElement === button")
    assert page.locator("[role=status], [aria-live]").filter(has_text="Copied").count() == 1
    assert pasted(page) == ", ".join(present(page))
    page.locator("#tags .copy .hint").get_by_text("Copied").wait_for(state="detached")


def test_the_thumbs_decide_which_tags_are_copied(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("tab", name="Many photos").click()
    page.get_by_role("button", name="Try the example photos").click()
    tagged(page, 8)
    row = page.locator(f"{TABLE} tbody tr", has_text="dogs.jpg")
    chips = row.locator(".chip.present")
    tags = chips.evaluate_all("all => all.map(one => one.dataset.tag)")
    more = row.locator("[data-listed][hidden]").evaluate_all("all => all.map(one => one.dataset.listed)")
    right = row.locator(".chip.absent").first.get_attribute("data-tag")
    row.get_by_role("button", name=f"{tags[0]} is wrong in dogs.jpg", exact=True).click()
    row.get_by_role("button", name=f"{right} is right in dogs.jpg", exact=True).click()
    row.get_by_role("button", name="Copy tags of dogs.jpg").click()
    announced(page, "Copied")
    copied = pasted(page).split(", ")
    assert sorted(copied) == sorted([*tags[1:], *more, right])


def test_a_copy_that_is_not_allowed_says_so(page):
    page.evaluate(NO_CLIPBOARD)
    page.evaluate("document.execCommand = () => false")
    choose(page, "dogs.jpg")
    page.get_by_role("button", name="Copy tags", exact=True).click()
    announced(page, "Not copied: this browser does not allow it")
