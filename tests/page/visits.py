"""Steps of a visit to the page."""

import base64
import io

import numpy as np
from PIL import Image

from tests.server import ROOT

EXAMPLES = ROOT / "assets" / "examples"


def choose(page, name):
    """Choose an example and wait until it is tagged, even if it was shown already."""
    if page.locator("#tags .summary").count():
        without_photo(page)
    page.locator(f"#examples button[data-name='{name}']").click()
    page.locator("#tags .summary").wait_for()


def upload(page, name, content):
    page.locator("#photo input[type=file]").set_input_files({"name": name, "mimeType": "image/png", "buffer": content})


def without_photo(page):
    page.get_by_label("Remove Image").click()
    page.get_by_text("Choose a photo, and its tags appear here.").wait_for()


def select(page, tag):
    """Select a tag of the list and wait until it is explained."""
    page.locator(f"#tags [data-tag='{tag}']").click()
    page.locator(f"#why .why[data-tag='{tag}']").wait_for()


def heat(page, tag):
    """(rows, columns) how bright the heat map of a tag of the list is, once it is drawn."""
    select(page, tag)
    image = page.locator(f"#why .why[data-tag='{tag}'] .heat image + image")
    image.wait_for()
    with Image.open(io.BytesIO(base64.b64decode(image.get_attribute("href").partition(",")[2]))) as drawn:
        return np.asarray(drawn.convert("RGB"), np.float64).sum(axis=-1)


def row_value(page, tag):
    """Probability in the list of tags."""
    return page.locator(f".tag-row[data-tag='{tag}'] .value").inner_text()


def present(page):
    """Tags over their thresholds, in the order of the list."""
    return page.locator("#tags [data-present]").evaluate_all("rows => rows.map(row => row.dataset.tag)")


def typed(page, *categories):
    """Wait until these categories are scored."""
    for category in categories:
        page.locator(f".typed-row[data-category='{category}'] .marks").wait_for()
    page.locator(".typed-row .status").first.wait_for(state="detached")


def verdict(page):
    """Probability in the Why panel."""
    return page.locator("#why .verdict .value").inner_text()


def ask(page, text):
    page.get_by_label("Categories").fill(text)
    page.get_by_role("button", name="Score").click()


def changes(page, place, before):
    """Wait until the text of a part of the page changes."""
    page.wait_for_function(
        "([place, before]) => document.querySelector(place).innerText !== before", arg=[place, before]
    )


def plot_texts(page):
    """Texts of the plot, which is asked for unless it is shown."""
    compare(page)
    page.locator("#plot .wide svg").wait_for()
    return page.locator("#plot .wide svg text").all_text_contents()


def compare(page):
    """Ask for the plot and the cards of the typed categories, unless they are shown.

    The button that asks stands still once all categories are described; until then the rows above it grow and move it,
    even between the press and the release of the mouse.
    """
    page.locator(".typed-row").first.wait_for()
    typed(page)
    if page.locator("#asker [data-ask=show]").count():
        page.locator("#asker [data-ask=show]").click()
    page.locator("#cards article").first.wait_for()
