"""At first sight: maps that point and differ, the badge, a wide box, no cold start, and repeated photos at once."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from tests.page.visits import EXAMPLES, choose, heat, present, upload, without_photo

MOST_ALIKE = 0.6
"""Correlation that the heat maps of two tags of a portrait may have."""
SHARE = 0.9
"""Of the photo's width that the box for categories has at least."""
DOGS = (131 / 426, 148 / 640, 286 / 426, 420 / 640)
"""Left, top, right and bottom of the two dogs of the opening photo, one above the other, as shares of its size."""
UNLIKE_MOST = 6
"""Tags that are listed of a photo unlike those of training, at most."""


def test_the_heat_maps_of_the_tags_of_a_portrait_differ(page):
    choose(page, "astronaut.jpg")
    maps = np.array([heat(page, tag).ravel() for tag in present(page)[:4]])
    maps = maps[maps.std(axis=1) > 0]
    assert len(maps) >= 3
    alike = np.corrcoef(maps)[np.triu_indices(len(maps), 1)]
    assert alike.mean() < MOST_ALIKE


@pytest.mark.parametrize("tag", ["dog", "animal"])
def test_the_heat_map_of_the_opening_photo_is_brightest_at_the_dogs(page, tag):
    drawn = heat(page, tag)
    row, column = divmod(int(drawn.argmax()), drawn.shape[1])
    down, across = (row + 0.5) / drawn.shape[0], (column + 0.5) / drawn.shape[1]
    left, top, right, bottom = DOGS
    assert left < across < right and top < down < bottom


def test_of_tags_chosen_quickly_the_last_has_its_own_map(page):
    choose(page, "parrot.jpg")
    *others, last = present(page)[:3]
    heat(page, last)
    own = page.locator("#why .heat image + image").get_attribute("href")
    heat(page, others[0])
    assert page.locator("#why .heat image + image").get_attribute("href") != own
    for tag in (*others, last):
        page.locator(f"#tags [data-tag='{tag}']").click()
    page.locator(f"#why .why[data-tag='{last}'] .heat image[href='{own}']").wait_for()


def test_a_drawing_gets_a_badge_and_fewer_tags(page):
    choose(page, "meadow.jpg")
    assert page.locator("#tags .badge").count() == 0 and len(present(page)) > UNLIKE_MOST
    ramp = np.tile(np.linspace(0, 255, 320).astype(np.uint8), (240, 1))
    drawing = io.BytesIO()
    Image.fromarray(np.stack([ramp, ramp[:, ::-1], np.full_like(ramp, 128)], axis=-1)).save(drawing, "PNG")
    without_photo(page)
    upload(page, "gradient.png", drawing.getvalue())
    page.locator("#tags .badge").get_by_text("Unlike", exact=False).wait_for()
    assert page.locator("#tags .tag-row:visible").count() <= UNLIKE_MOST


@pytest.mark.parametrize("width", [1280, 390])
def test_the_box_for_categories_is_as_wide_as_the_photo(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    box, photo = (page.locator(place).bounding_box() for place in ("#ask-panel", "#photo-panel"))
    assert box["width"] > SHARE * photo["width"] and box["y"] >= photo["y"] + photo["height"]


def seconds(page):
    """How long the models looked, as the page says."""
    return float(re.search(r"([\d.]+) s\b", page.locator("#tags .summary").inner_text()).group(1))


def test_the_first_photo_took_no_cold_start(page):
    first = seconds(page)
    choose(page, "cat.jpg")
    assert first < max(3 * seconds(page), 1.0)


def test_a_repeated_photo_needs_no_look(page):
    """Its tags come with the time of the first look, to the digit, though the file has another name."""
    content = (EXAMPLES / "bridge.jpg").read_bytes()
    spoilt = content + b"\0"  # no other test has looked at it
    times = []
    for name in ("one.jpg", "two.jpg"):
        without_photo(page)
        upload(page, name, spoilt)
        page.locator("#tags .summary").wait_for()
        times.append(page.locator("#tags .summary").inner_text())
        page.locator("#caption .sentence, #caption p").first.wait_for()
    assert times[0] == times[1]


def test_the_place_of_the_scroll_bar_is_dark_in_the_dark_theme(page):
    page.goto(page.url.replace("__theme=light", "__theme=dark"))
    page.locator("#tags .summary").wait_for()
    colour = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert max(map(int, re.findall(r"\d+", colour)[:3])) < 64
