"""The page of a library in a real browser: search as one types, filters, a photo, thumbs."""

import os
import re
import threading
import time
import zipfile
from datetime import datetime

import pytest
import uvicorn
from playwright.sync_api import expect
from starlette.applications import Starlette

from demo.core.library_judging import LibraryJudging
from demo.core.library_search import LibrarySearch
from demo.server.library_routes import library_routes
from ram.library.own_tagger import LEAST
from tests.library.test_photo_library import COUNT, folder, library, tagger  # noqa: F401
from tests.page.conftest import WAIT_MILLISECONDS, watched

pytestmark = pytest.mark.page


@pytest.fixture
def address(library):  # noqa: F811
    search = LibrarySearch(library)
    app = Starlette(routes=library_routes(search, LibraryJudging(search)))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/library"
    server.should_exit = True
    thread.join()


@pytest.fixture
def page(browser, address):
    expect.set_options(timeout=WAIT_MILLISECONDS)
    with watched(browser) as visit:
        visit.goto(address)
        visit.locator("#grid img").first.wait_for()
        yield visit


def test_photos_are_found_as_one_types(page):
    assert page.locator("#grid img").count() == COUNT
    expect(page.locator("#grid img").first).to_have_js_property("naturalWidth", 60)
    page.get_by_label("Find photos by a sentence").type("a dog")
    expect(page).to_have_url(re.compile("words=a[+]dog$"))
    expect(page.locator("#grid img")).to_have_count(COUNT)
    assert page.locator("#problem").is_hidden()
    page.get_by_label("Kind").select_option("scene")
    expect(page.locator("#status")).to_have_text("no photo is found")
    page.get_by_label("Kind").select_option("")
    page.locator("#facets button", has_text="cat").click()
    page.get_by_role("button", name="Remove the filter cat").wait_for()
    expect(page.locator("#grid img")).not_to_have_count(COUNT)
    page.reload()
    page.get_by_role("button", name="Remove the filter cat").click()
    expect(page.locator("#grid img")).to_have_count(COUNT)
    page.get_by_label("With the tag").fill("kite")
    page.get_by_label("With the tag").press("Enter")
    page.get_by_role("alert").wait_for()
    assert 'no photo has been scored for "kite"' in page.get_by_role("alert").inner_text()


def test_a_photo_is_opened_and_judged(page, library):  # noqa: F811
    page.locator("#grid button").first.click()
    page.get_by_role("button", name="dog is wrong").click()
    page.locator("#photo-tags [aria-pressed=true]").wait_for()
    assert [set(judged.values()) for judged in library.index.thumbs().values()] == [{-1}]
    page.get_by_label("Add a tag").fill("my toy")
    page.get_by_label("Add a tag").press("Enter")
    page.get_by_role("button", name="my toy is right", pressed=True).wait_for()
    page.get_by_role("button", name="Learn from thumbs").click()
    expect(page.locator("#learned")).to_contain_text("threshold")
    page.get_by_role("button", name="More like this").click()
    expect(page.locator("#grid img")).to_have_count(COUNT - 1)
    page.get_by_text("Own tagger").click()
    page.get_by_role("button", name="Train on my thumbs").click()
    page.get_by_text("mark more photos").wait_for()


def test_photos_are_found_by_day(page, library, folder):  # noqa: F811
    noon = datetime(2020, 2, 29, 12).timestamp()
    for name in ("00.png", "02.png"):  # without EXIF the day is that of the file
        os.utime(folder / name, (noon, noon))
    library.add()
    page.get_by_label("until").fill("2020-02-29")
    expect(page.locator("#grid img")).to_have_count(2)
    expect(page).to_have_url(re.compile("[?]until=2020-02-29$"))
    page.get_by_label("Taken from").fill("2020-02-29")
    expect(page).to_have_url(re.compile("since=2020-02-29&until=2020-02-29$"))
    expect(page.locator("#grid img")).to_have_count(2)
    page.get_by_label("until").fill("")
    expect(page.locator("#grid img")).to_have_count(COUNT)
    page.get_by_label("Taken from").fill("2020-03-01")
    expect(page.locator("#grid img")).to_have_count(COUNT - 2)
    page.reload()
    expect(page.locator("#grid img")).to_have_count(COUNT - 2)
    expect(page.get_by_label("Taken from")).to_have_value("2020-03-01")
    page.get_by_label("until").fill("2020-03-01")
    expect(page.locator("#status")).to_have_text("no photo is found")


def test_an_own_tagger_is_trained_and_taken_home(page, library, tagger, tmp_path):  # noqa: F811
    for number in range(2 * LEAST):
        page.locator("#grid button").nth(number).click()
        if number < LEAST:
            page.get_by_label("Add a tag").fill("my toy")
            page.get_by_label("Add a tag").press("Enter")
            page.get_by_role("button", name="my toy is right", pressed=True).wait_for()
        else:
            page.get_by_role("button", name="dog is wrong").click()
            page.get_by_role("button", name="dog is wrong", pressed=True).wait_for()
        page.get_by_role("button", name="Close").click()
    page.get_by_text("Own tagger").click()
    page.get_by_role("button", name="Train on my thumbs").click()
    expect(page.locator("#trained")).to_contain_text(f"Trained on {2 * LEAST} photos; average precision")
    expect(page.locator("#report th")).to_have_text(["Tag", "photos", "before", "after"])
    tag, photos, before, after = page.locator("#report td").all_inner_texts()
    assert (tag, photos) == ("my toy", str(LEAST)) and 0 < float(before) <= float(after) <= 1
    taken = {}
    for link in page.locator("#report a").all():
        assert page.request.get(link.evaluate("link => link.href")).status == 200
        with page.expect_download() as download:
            link.click()
        taken[download.value.suggested_filename] = tmp_path / download.value.suggested_filename
        download.value.save_as(taken[download.value.suggested_filename])
    assert list(taken) == ["own.tagpack", "own-tagger.zip"]
    assert tagger.load_pack(taken["own.tagpack"]).vocabulary.tags == ("my toy",)
    with zipfile.ZipFile(taken["own-tagger.zip"]) as archive:
        assert {"config.json", "model.safetensors"} <= set(archive.namelist()) and archive.testzip() is None
