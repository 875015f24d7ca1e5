"""Addresses of the page of a library."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from demo.core.library_judging import LibraryJudging
from demo.core.library_search import LibrarySearch
from demo.server.library_routes import library_routes
from tests.library.test_photo_library import COUNT, folder, library, tagger  # noqa: F401


@pytest.fixture
def client(library):  # noqa: F811
    search = LibrarySearch(library)
    with TestClient(Starlette(routes=library_routes(search, LibraryJudging(search)))) as made:
        yield made


def test_the_page_and_its_files_are_served(client):
    page = client.get("/library")
    assert page.status_code == 200 and f"{COUNT} photos" in page.text and "default-src 'self'" in str(page.headers)
    assert client.get("/library/library.js").headers["content-type"].startswith("text/javascript")
    assert client.get("/library/library.css").headers["content-type"].startswith("text/css")


def test_photos_are_found_and_shown(client):
    found = client.get("/library/find?words=a+dog&all=dog&most=5").json()
    assert len(found["photos"]) == 5 and found["more"]
    picture = client.get(f"/library/photos/{found['photos'][0]['row']}/small.jpg")
    assert picture.headers["content-type"] == "image/jpeg" and picture.content[:2] == b"\xff\xd8"
    assert client.get("/library/complete?text=do").json() == [{"tag": "dog", "name": "dog"}]


@pytest.mark.parametrize(
    "address", ["photos/999/small.jpg", "photos/0/huge.jpg", "photos/../../etc/passwd", "tagger/library.sqlite",
                "tagger/..%2Flibrary.sqlite", "photos/-1/small.jpg"],
)  # fmt: skip
def test_nothing_outside_the_library_is_served(client, address):
    assert client.get(f"/library/{address}").status_code == 404


def test_bad_input_is_one_sentence(client):
    for address in ("find?all=kite", "find?since=yesterday", "find?like=77"):
        answer = client.get(f"/library/{address}")
        assert answer.status_code == 400 and set(answer.json()) == {"error"} and "\n" not in answer.json()["error"]


def test_a_library_that_cannot_be_written_is_one_sentence(client, library):  # noqa: F811
    thumb = {"row": int(library.index.rows()[0]), "tag": "cat", "thumb": -1}
    client.post("/library/thumbs", json=thumb)
    kept, tags = library.index.thumbs(), library.tags
    library.index._database.execute("PRAGMA query_only = on")
    said = {"error": "that cannot be saved: library.sqlite: attempt to write a readonly database"}
    for address, values in (("thumbs", thumb | {"tag": "dog"}), ("learn", {})):
        answer = client.post(f"/library/{address}", json=values)
        assert (answer.status_code, answer.json()) == (507, said), address
    assert (library.index.thumbs(), library.tags) == (kept, tags)
    library.index._database.execute("PRAGMA query_only = off")
    assert client.post("/library/learn", json={}).status_code == 200


def test_only_the_page_itself_changes_something(client, library):  # noqa: F811
    thumb = {"row": int(library.index.rows()[0]), "tag": "cat", "thumb": 1}
    assert client.get("/library/thumbs").status_code == 405
    assert client.post("/library/thumbs", json=thumb, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post("/library/thumbs", data={"row": 1}).status_code == 403, "a form of another site"
    for body in (b"[]", b"{", b'{"a": "' + b"x" * 20_000 + b'"}'):
        answer = client.post("/library/thumbs", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400
    assert library.index.thumbs() == {}
    assert client.post("/library/thumbs", json=thumb).json() == {"tag": "cat"}
    assert library.index.thumbs() == {"cat": {thumb["row"]: 1}}
    assert client.post("/library/learn", json={}).status_code == 200
