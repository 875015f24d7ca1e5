"""The page in a process of its own, and a visit to it that notices what should not happen."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.server import page_served

WAIT_MILLISECONDS = 30_000


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    """The page as `python app.py` serves it, in a process of its own."""
    with page_served(GRADIO_TEMP_DIR=str(tmp_path_factory.mktemp("uploads"))) as server:
        yield f"{server.address}/?__theme=light"


@pytest.fixture
def page(browser, address):
    """A fresh visit; fails if a script broke, a dialog opened, or anything came from another host."""
    visit = browser.new_page(viewport={"width": 1280, "height": 900})
    visit.set_default_timeout(WAIT_MILLISECONDS)
    surprises: list[str] = []
    visit.on("pageerror", lambda error: surprises.append(f"script error: {error}"))
    visit.on("dialog", lambda dialog: (surprises.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    visit.on("request", lambda request: surprises.extend(elsewhere(request.url)))
    visit.goto(address)
    visit.locator("#tags .summary").wait_for()  # the example it opens with
    yield visit
    visit.close()
    assert surprises == []


def elsewhere(url: str) -> list[str]:
    parts = urlsplit(url)
    return [url[:200]] if parts.scheme in ("http", "https", "ws") and parts.hostname != "127.0.0.1" else []
