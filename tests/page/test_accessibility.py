"""WCAG 2.1 A and AA as axe checks it; usable by keyboard and screen reader."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.page.test_album_page import TABLE, tagged
from tests.page.visits import ask, choose, compare, typed

pytestmark = pytest.mark.page

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
MOST_STOPS = 80
"""Presses of Tab within which a control must be reached."""
CONTRAST = 4.5
"""Contrast that WCAG 1.4.3 requires of normal text."""
PLOT_CONTRASTS = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const over = colours => {  // painted one over the other, the last on top
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map(one => one / 255);
  };
  const luminance = rgb => rgb.map(one => one <= .03928 ? one / 12.92 : ((one + .055) / 1.055) ** 2.4)
    .reduce((sum, one, i) => sum + one * [.2126, .7152, .0722][i], 0);
  const behind = one => one ? [...behind(one.parentElement), getComputedStyle(one).backgroundColor] : ['white'];
  const touch = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  return [...document.querySelectorAll('figure svg text')].filter(one => one.checkVisibility()).map(text => {
    const svg = text.ownerSVGElement, place = text.getBoundingClientRect(), base = behind(svg);
    const drawn = [...svg.querySelectorAll('path, rect')].filter(one => touch(one.getBoundingClientRect(), place))
      .map(one => getComputedStyle(one).fill).filter(fill => fill !== 'none');
    const ink = getComputedStyle(text).fill;
    const ratios = [[], ...drawn.map(fill => [fill])].map(under => {
      const [low, high] = [luminance(over([...base, ...under])), luminance(over([...base, ...under, ink]))]
        .sort((a, b) => a - b);
      return (high + .05) / (low + .05);
    });
    return [text.textContent, Math.min(...ratios)];
  });
}"""
"""Texts of plots with their lowest contrast to the background, which axe cannot check."""


def faults(page):
    """Violated rules and their elements; axe cannot check contrast over images and in plots."""
    # contrast is too low while elements fade in
    page.wait_for_function("document.getAnimations().every(({playState}) => playState !== 'running')")
    found = Axe().run(page, options=RULES).response
    assert len(found["passes"]) > 20  # axe has run
    return [(broken["id"], node["target"]) for broken in found["violations"] for node in broken["nodes"]]


def faint(page, plot):
    """Texts of visible plots whose contrast is too low."""
    page.locator(f"{plot} svg:visible").first.wait_for()
    found = page.evaluate(PLOT_CONTRASTS)
    assert len(found) > 4
    return [(text, round(ratio, 2)) for text, ratio in found if ratio < CONTRAST]


def announced(page, words):
    """Wait until the live region, which screen readers read out, has these words."""
    page.locator("#announcer", has_text=words).wait_for(state="attached")


def tab_to(page, place, key="Tab"):
    for _ in range(MOST_STOPS):
        page.keyboard.press(key)
        if place.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{MOST_STOPS} presses of {key} never came to {place}")


@pytest.mark.parametrize("theme, width", [("light", 1280), ("light", 360), ("dark", 1280), ("dark", 360)])
def test_no_tab_breaks_a_rule_of_wcag(page, theme, width):
    page.set_viewport_size({"width": width, "height": 900})
    if theme != "light":  # the theme of the visit's first page
        page.goto(page.url.replace("__theme=light", f"__theme={theme}"))
        page.locator("#tags .summary").wait_for()
    page.locator(".tag-row").nth(2).click()
    page.locator(".tag-row[aria-pressed='true']").wait_for()
    page.locator("#why .sentence").first.wait_for()
    ask(page, "kite, velvet armchair")
    typed(page, "kite", "velvet armchair")
    assert faults(page) == []
    compare(page)
    assert faint(page, "#plot") == []
    page.get_by_role("button", name="Link to this view").click()
    page.wait_for_function("document.querySelector('#share-link input')?.value.startsWith('http')")
    assert faults(page) == []
    page.get_by_role("tab", name="Compare").click()
    page.locator("#compare-found summary").last.click()
    assert faint(page, "#compare-found") == []
    assert faults(page) == []
    page.get_by_role("tab", name="Many photos").click()
    page.get_by_role("button", name="Try the example photos").click()
    tagged(page, 8)
    page.get_by_label("Category names for these photos").fill("kite")
    page.get_by_label("Category names for these photos").press("Enter")
    page.locator("#album-winners table.winners tbody tr").nth(7).wait_for()
    assert faint(page, "#album-winners") == []
    assert faults(page) == []


def test_tags_categories_and_tabs_work_by_keyboard(page):
    tab_to(page, page.locator(".tag-row").nth(2))
    name = page.evaluate("document.activeElement.querySelector('.name').innerText")
    page.keyboard.press("Enter")
    page.locator(".tag-row[aria-pressed='true'] .name", has_text=name).wait_for()
    tab_to(page, page.get_by_label("Categories"))
    page.keyboard.type("velvet armchair")
    page.keyboard.press("Enter")
    typed(page, "velvet armchair")
    tab_to(page, page.get_by_role("tab", name="Compare"), key="Shift+Tab")
    for key in ("Enter", "Space"):
        page.keyboard.press(key)
        page.get_by_role("tab", name="Compare", selected=True).wait_for()
        page.keyboard.press("ArrowLeft")
        page.get_by_role("tab", name="One photo", selected=True).wait_for()
        page.keyboard.press("End")
        page.get_by_role("tab", name="Many photos", selected=True).wait_for()
        page.keyboard.press("ArrowRight")  # wraps to the first tab
        page.get_by_role("tab", name="One photo", selected=True).wait_for()
        tab_to(page, page.get_by_role("tab", name="Compare"))


def test_meanings_and_photos_are_chosen_by_keyboard(page):
    ask(page, "kite")
    tab_to(page, page.get_by_label("What kite means"))
    row = page.locator(".typed-row[data-category=kite]")
    for meaning in ("toy", "hawk"):  # the row is drawn again, and its choice keeps the focus
        page.keyboard.press("ArrowDown")
        row.locator("option[selected]", has_text=f"{meaning}:").wait_for(state="attached")
        page.wait_for_function("document.activeElement.dataset.meaningOf === 'kite'")
    tab_to(page, page.locator("#examples button").nth(3), key="Shift+Tab")
    page.keyboard.press("Space")
    page.locator("#tags [data-tag=coffee]").wait_for()
    tab_to(page, page.get_by_label("Remove Image"), key="Shift+Tab")
    page.keyboard.press("Enter")
    page.get_by_text("Choose a photo, and its tags appear here.").wait_for()
    with page.expect_file_chooser():
        tab_to(page, page.locator("#photo button").first, key="Shift+Tab")
        page.keyboard.press("Enter")


def test_many_photos_work_by_keyboard(page):
    page.get_by_role("tab", name="Many photos").click()
    tab_to(page, page.get_by_role("button", name="Try the example photos"))
    page.keyboard.press("Space")
    tagged(page, 8)
    tab_to(page, page.get_by_label("Show photos with"))
    page.keyboard.type("dog")
    page.keyboard.press("Enter")
    page.locator(TABLE).get_by_text("1 photo", exact=True).wait_for()
    wrong = page.locator(f"{TABLE} .chip.present button.down").first
    tab_to(page, wrong)
    page.keyboard.press("Space")
    page.wait_for_function("document.activeElement.getAttribute('aria-pressed') === 'true'")
    tab_to(page, page.get_by_role("button", name="Calibrate"), key="Shift+Tab")
    page.keyboard.press("Enter")
    page.locator("#album-calibration").get_by_role("rowheader").first.wait_for()
    tab_to(page, page.get_by_label("Category names for these photos"))
    page.keyboard.type("kite")
    page.keyboard.press("Enter")
    page.locator("#album-winners table.winners tbody tr").nth(7).wait_for()


def test_a_screen_reader_is_told_changes_once(page):
    choose(page, "coffee.jpg")
    first = page.locator("#tags [data-rank='0']").get_attribute("data-tag")
    announced(page, f"over the threshold: {first}")
    name, value = page.locator("#tags [data-rank='1']").locator(".name, .value").all_inner_texts()
    page.locator("#tags [data-rank='1']").click()
    announced(page, f"{name}: {value}, ")
    ask(page, "kite")
    announced(page, "kite: RAM++ 0.")
    page.get_by_role("tab", name="Many photos").click()
    page.get_by_role("button", name="Try the example photos").click()
    announced(page, "8 photos tagged in")
    page.get_by_role("tab", name="One photo").click()
    page.get_by_role("button", name="Link to this view").click()
    announced(page, "It opens this example photo")
    assert "kite" not in page.locator("#announcer").text_content()  # it is shown again, but was announced before
    ask(page, "")
    page.get_by_role("alert").get_by_text("no category was given").wait_for()
