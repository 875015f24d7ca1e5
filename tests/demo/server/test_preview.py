"""Previews of links name the page, with absolute addresses, and nothing of a request becomes markup."""

import io

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from demo.server.preview import SIZE, Preview, picture
from tests.demo.views.outline import HOSTILE, Outline

PAGE = """<!doctype html><html><head><meta property="og:title" content="Gradio" />
<meta
  property="og:description"
  content="Click to try out the app!" /><meta name="twitter:creator" content="@Gradio" /></head><body>ä</body></html>"""


@pytest.fixture
def client(tmp_path):
    Image.linear_gradient("L").resize((1280, 1000)).save(tmp_path / "page.png")
    routes = [
        Route("/", lambda _: HTMLResponse(PAGE)),
        Route("/other", lambda _: HTMLResponse(PAGE)),
        Route("/preview.png", picture(tmp_path / "page.png")),
        Route("/none.png", picture(tmp_path / "none.png")),
        Route("/text", lambda _: PlainTextResponse("og:title")),
    ]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(Preview(HOSTILE, "about it").wrap)]))


def tags(answer):
    found = [a for tag, a in Outline(answer.text).elements if tag == "meta"]
    return [(one.get("property") or one.get("name"), one["content"]) for one in found]


def test_the_page_describes_itself_once_with_absolute_addresses(client):
    answer = client.get("/", headers={"host": "tags.example:8000", "x-forwarded-proto": "https"})
    assert int(answer.headers["content-length"]) == len(answer.content) and "ä" in answer.text
    described = tags(answer)
    assert len({name for name, _ in described}) == len(described)
    values = dict(described)
    assert values["og:title"] == HOSTILE and values["og:description"] == values["description"] == "about it"
    assert values["og:url"] == "https://tags.example:8000/"
    assert values["og:image"] == "https://tags.example:8000/preview.png"
    assert "Gradio" not in answer.text and "<img" not in answer.text


@pytest.mark.parametrize("host", ['a"><script>', "a b", "..//x", ""])
def test_a_host_that_is_none_leaves_addresses_out(client, host):
    answer = client.get("/", headers={"x-forwarded-host": host or "!"})
    assert "og:image" not in dict(tags(answer)) and "<script" not in answer.text


def test_other_answers_stay_as_they_are(client):
    assert client.get("/other").text == PAGE
    assert client.get("/text").text == "og:title"
    assert client.head("/").status_code == 200


def test_the_picture_is_the_upper_part_in_the_usual_size(client):
    answer = client.get("/preview.png")
    assert answer.headers["content-type"] == "image/png" and len(answer.content) < 1_000_000
    with Image.open(io.BytesIO(answer.content)) as shown:
        assert shown.size == SIZE
        assert shown.convert("L").getpixel((600, 629)) < 200  # the lower third of the gradient is brighter
    assert client.get("/none.png").status_code == 404
