"""The photo with its tags is saved as one picture, drawn by the browser."""

import numpy as np
from PIL import Image

from tests.page.visits import ask, choose, typed, without_photo


def saved(page):
    """The card that a click on the button saves, as (height, width, 3) of bytes."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Picture card").click()
    assert download.value.suggested_filename == "tags.png"
    with Image.open(download.value.path()) as card:
        assert card.format == "PNG"
        return np.asarray(card.convert("RGB"))


def test_a_card_is_downloaded(page):
    choose(page, "dogs.jpg")
    alone = saved(page)
    assert alone.shape[1] == 1200 and np.array_equal(saved(page), alone)  # the same card may be saved again
    margin = np.concatenate([alone[:, :44].reshape(-1, 3), alone[:, -44:].reshape(-1, 3)])
    assert (margin == 255).all()
    assert len(np.unique(alone[48:600, 400:800].reshape(-1, 3), axis=0)) > 1000  # the photo
    ink = (alone[700:].astype(int).sum(axis=2) < 300).sum()
    assert ink > 2000  # the tags
    ask(page, "a rather long category of several words to wrap, kite")
    typed(page, "kite")
    longer = saved(page)
    assert not np.array_equal(longer, alone) and (longer[:, :44] == 255).all() and (longer[:, -44:] == 255).all()
    assert "saved" in page.locator("#card-saved").inner_text()
    without_photo(page)  # what was said of its card goes with it
    assert not page.locator("#card-saved").inner_text().strip()


def test_without_a_photo_a_sentence_says_so(page):
    without_photo(page)
    page.get_by_role("button", name="Picture card").click()
    page.locator("#card-saved").get_by_text("there is no photo yet").wait_for()
