"""At first sight: maps that differ, the badge, a wide box, no cold start, and repeated photos at once."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from tests.page.visits import EXAMPLES, choose, present, select, upload, without_photo

MOST_ALIKE = 0.6
"""Correlation that the heat maps of two tags of a portrait may have."""
SHARE = 0.9
"""Of the photo's width that the box for categories has at least."""
UNLIKE_MOST = 6
"""Tags that are listed of a photo unlike those of training, at most."""


def heat(page, tag):
    """How opaque the heat map of a tag is, at each of its pixels."""
    select(page, tag)
    address = page.locator("#why .heat image").nth(1).get_attribute("href")
    with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) as drawn:
        return np.asarray(drawn.getchannel("A"), np.float64).ravel()


def test_the_heat_maps_of_the_tags_of_a_portrait_differ(page):
    choose(page, "astronaut.jpg")
    maps = np.array([heat(page, tag) for tag in present(page)[:4]])
    maps = maps[maps.std(axis=1) > 0]
    assert len(maps) >= 3
    alike = np.corrcoef(maps)[np.triu_indices(len(maps), 1)]
    assert alike.mean() < MOST_ALIKE


def test_a_drawing_gets_a_badge_and_fewer_tags(page):
    choose(page, "dogs.jpg")
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
