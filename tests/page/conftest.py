"""A visit to the page in a real browser that notices broken scripts, dialogs and foreign hosts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

WAIT_MILLISECONDS = 30_000


@pytest.fixture(scope="session")
def address(server) -> str:
    """URL of the page that all browser tests share, in its light theme."""
    return f"{server.address}/?__theme=light"


@pytest.fixture
def page(context, address):
    """A fresh visit; fails if a script broke, a dialog opened, or anything came from another host."""
    with watched(context) as visit:
        visit.goto(address)
        visit.locator("#tags .summary").wait_for()  # of the example that the page opens with
        yield visit


@contextmanager
def watched(context) -> Iterator[Page]:
    """A new visit; fails at its end if a script broke, a dialog opened, or anything came from another host."""
    visit = context.new_page()
    visit.set_viewport_size({"width": 1280, "height": 900})
    visit.set_default_timeout(WAIT_MILLISECONDS)
    surprises: list[str] = []
    visit.on("pageerror", lambda error: surprises.append(f"script error: {error}"))
    visit.on("dialog", lambda dialog: (surprises.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    visit.on("request", lambda request: surprises.extend(foreign(request.url)))
    yield visit
    visit.close()
    assert surprises == []


def foreign(url: str) -> list[str]:
    parts = urlsplit(url)
    return [url[:200]] if parts.scheme in ("http", "https", "ws") and parts.hostname != "127.0.0.1" else []
