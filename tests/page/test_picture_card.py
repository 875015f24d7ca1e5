"""The photo with its tags is saved as one picture."""

from PIL import Image

from tests.page.visits import ask, choose, typed, without_photo


def test_a_card_is_downloaded(page):
    choose(page, "dogs.jpg")
    ask(page, "wooden house")
    typed(page, "wooden house")
    sizes = []
    for _ in range(2):  # the same card may be saved again
        with page.expect_download() as download:
            page.get_by_role("button", name="Picture card").click()
        assert download.value.suggested_filename == "tags.png"
        with Image.open(download.value.path()) as card:
            sizes.append(card.size)
    assert sizes[0] == sizes[1] and sizes[0][0] == 1200


def test_without_a_photo_a_sentence_says_so(page):
    without_photo(page)
    page.get_by_role("button", name="Picture card").click()
    page.locator("#card-saved").get_by_text("there is no photo yet").wait_for()
