"""The page keeps its width, fits its columns, and stays where it is while it loads."""

import pytest

SHIFTS = """
window.shifted = 0;
new PerformanceObserver(list => list.getEntries().forEach(({hadRecentInput, value}) => {
  if (!hadRecentInput) window.shifted += value;
})).observe({type: 'layout-shift', buffered: true});
"""
LEFT_AND_WIDTH = "one => { const {left, width} = one.getBoundingClientRect(); return [left, width]; }"
COLUMNS = """() => new Set([...document.querySelectorAll('#look .sheet')].map(
  sheet => Math.round(sheet.getBoundingClientRect().left))).size"""


@pytest.mark.parametrize("width", [1280, 1920])
def test_every_tab_is_equally_wide(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    places = []
    for name in ("One photo", "Compare", "Many photos"):
        page.get_by_role("tab", name=name).click()
        page.get_by_role("tab", name=name, selected=True).wait_for()
        places.append(page.locator("#sections").evaluate(LEFT_AND_WIDTH))
    assert places == [places[0]] * 3


@pytest.mark.parametrize("width, columns", [(1440, 3), (1024, 2), (700, 1)])
def test_columns_leave_room_for_sentences(page, width, columns):
    page.set_viewport_size({"width": width, "height": 900})
    page.locator("#why textarea").first.wait_for()
    assert page.evaluate(COLUMNS) == columns
    widths = page.locator("#why .sentence textarea:visible").evaluate_all("all => all.map(one => one.clientWidth)")
    assert min(widths) > 180
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_nothing_jumps_while_the_page_loads(context, address, size):
    visit = context.new_page()
    visit.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
    visit.add_init_script(SHIFTS)
    visit.goto(address)
    visit.locator("#why textarea").first.wait_for()
    visit.wait_for_function("document.querySelector('#photo img')?.naturalWidth > 0")
    visit.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")
    shifted = visit.evaluate("shifted")
    visit.close()
    assert shifted < 0.1
