"""Edited sentences belong to one photo and one tag."""

from tests.page.visits import choose, row_value, select, verdict

EDITED = "a photo of an empty parking lot."
DRAFT = "two spaniels look out of a window"
UNCHANGED = "[...document.querySelectorAll('#why textarea')].every(box => box.value === box.defaultValue)"


def another_tag(page):
    return page.locator("#tags .tag-row:not([data-tag=dog])").first.get_attribute("data-tag")


def boxes(page):
    """What stands in each box of the panel."""
    return page.locator("#why textarea").evaluate_all("boxes => boxes.map(box => box.value)")


def test_an_edit_stays_with_its_photo_and_tag(page):
    choose(page, "dogs.jpg")
    select(page, "dog")
    before = verdict(page)
    page.get_by_label("Sentence 1, editable").fill(EDITED)
    other = another_tag(page)
    page.locator(f"#tags [data-tag='{other}']").click()  # leaving the box sends the edit
    page.locator(f"#why .why[data-tag='{other}']").wait_for()
    page.locator("#tags [data-tag=dog] .edited").wait_for()
    page.wait_for_function(UNCHANGED)
    assert EDITED not in boxes(page)
    assert page.locator("#why .edited").count() == 0
    select(page, "dog")
    assert EDITED in boxes(page)
    assert verdict(page) == row_value(page, "dog")
    choose(page, "cat.jpg")
    assert page.locator("#tags .edited").count() == 0
    choose(page, "dogs.jpg")
    page.locator("#tags [data-tag=dog] .edited").wait_for()
    select(page, "dog")
    page.get_by_role("button", name="Undo all edits of dog").click()
    page.locator("#why .edited").wait_for(state="detached")
    page.locator("#tags .edited").wait_for(state="detached")
    assert verdict(page) == row_value(page, "dog") == before
    assert EDITED not in boxes(page)


def test_a_press_counts_though_the_list_is_drawn_anew_before_the_release(page):
    choose(page, "dogs.jpg")
    select(page, "dog")
    page.get_by_label("Sentence 1, editable").fill(EDITED)
    other = another_tag(page)
    page.locator(f"#tags [data-tag='{other}']").hover()
    page.mouse.down()  # leaving the box sends the edit
    page.locator("#tags [data-tag=dog] .edited").wait_for()
    page.evaluate("document.querySelector('#tag-list').style.marginTop = '400px'")
    page.mouse.up()
    page.locator(f"#why .why[data-tag='{other}']").wait_for()


def test_a_press_that_slides_off_its_tag_chooses_nothing(page):
    choose(page, "dogs.jpg")
    select(page, "dog")
    page.locator(f"#tags [data-tag='{another_tag(page)}']").hover()
    page.mouse.down()
    page.locator("h1").hover()
    page.mouse.up()
    select(page, "dog")
    assert page.locator("#tags [aria-pressed=true]").evaluate_all("rows => rows.map(row => row.dataset.tag)") == ["dog"]


def test_what_is_not_sent_yet_waits_for_its_tag(page):
    choose(page, "dogs.jpg")
    select(page, "dog")
    page.get_by_label("A sentence of your own for dog").fill(DRAFT)
    other = another_tag(page)
    select(page, other)
    page.wait_for_function("document.querySelector('#why [data-key=add]').value === ''")
    select(page, "dog")
    page.wait_for_function("draft => document.querySelector('#why [data-key=add]').value === draft", arg=DRAFT)
