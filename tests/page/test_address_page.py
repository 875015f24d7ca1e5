"""A photo by its address in a real browser, where the host of the page allows it."""

import sys
from contextlib import contextmanager

import pytest

from tests.page.conftest import watched
from tests.page.visits import present
from tests.server import page_served


@contextmanager
def opened(context, uploads, *flags, **options):
    """A watched visit to a page of its own."""
    with page_served("--photo-addresses", "--no-llm", *flags, GRADIO_TEMP_DIR=str(uploads), **options) as server:
        with watched(context) as visit:
            visit.goto(f"{server.address}/?__theme=light")
            visit.locator("#tags .summary").wait_for()
            yield visit


@pytest.fixture
def allowing(context, tmp_path):
    """A page that takes addresses and links to its code."""
    with opened(context, tmp_path, "--code-url", "https://code.example/ram") as visit:
        yield visit


@pytest.fixture
def with_web(context, tmp_path):
    """A page that takes addresses from a web of its own, since no test reaches a network."""
    python = (sys.executable, "-m", "tests.page.address_server")
    with opened(context, tmp_path, "--compare-model", "none", "--captioner", "none", python=python) as visit:
        yield visit


def fetch(page, address):
    page.get_by_label("Address of a photo").fill(address)
    page.get_by_role("button", name="Fetch").click()


def test_a_photo_by_its_address_appears_and_is_tagged(with_web):
    page = with_web
    page.wait_for_function("document.querySelector('#photo img')?.naturalWidth > 0")
    before = page.locator("#photo img").get_attribute("src")
    assert "dog" in present(page) and "cat" not in present(page)

    fetch(page, "https://example.org/cat.jpg")
    page.locator("#tags .tag-row[data-tag='cat'][data-present]").wait_for()
    page.wait_for_function(
        "before => { const image = document.querySelector('#photo img');"
        " return image?.naturalWidth > 0 && image.getAttribute('src') !== before; }",
        arg=before,
    )
    assert "dog" not in present(page)
    page.locator("#why .why[data-tag='cat'] .heat image + image").wait_for()
    page.wait_for_function("document.querySelector('#photo-address-box :is(input, textarea)').value === ''")
    assert page.locator("#photo-address-notice .notice").count() == 0

    shown, tags = page.locator("#photo img").get_attribute("src"), present(page)
    for address, sentence in (
        ("https://example.org/moved.jpg", "not a public one"),  # a redirect to a private address
        ("https://intranet.example/dog.jpg", "not a public one"),
        ("https://example.org/page", "text/html"),
        ("https://nowhere.example/dog.jpg", "nowhere.example"),
    ):
        fetch(page, address)
        page.locator("#photo-address-notice .notice").get_by_text(sentence).wait_for()
        assert page.locator("#photo img").get_attribute("src") == shown and present(page) == tags


def test_addresses_are_off_by_default(page):
    assert page.get_by_label("Address of a photo").count() == 0
    assert page.get_by_role("button", name="Fetch").count() == 0


def test_an_address_that_cannot_be_used_is_told_and_the_photo_stays(allowing):
    page = allowing
    before = page.locator("#tags .html-container").inner_text()
    box = page.get_by_label("Address of a photo")
    for address, sentence in (
        ("http://a.example/x.jpg", "begins with https://"),
        ("https://127.0.0.1/x.jpg", "not a public one"),
        ("https://[::ffff:10.0.0.1]/x.jpg", "not a public one"),
        ("", "no address was given"),
    ):
        box.fill(address)
        page.get_by_role("button", name="Fetch").click()
        page.locator("#photo-address-notice .notice").get_by_text(sentence).wait_for()
        assert box.input_value() == address
    page.wait_for_function("document.querySelector('#photo img')?.naturalWidth > 0")
    assert page.locator("#tags .html-container").inner_text() == before
    assert page.get_by_role("link", name="Source code").get_attribute("href") == "https://code.example/ram"
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
