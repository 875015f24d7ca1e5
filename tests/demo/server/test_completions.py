"""The route of completions answers in JSON, briefly, whatever is asked."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from demo.core.known_words import MAX_FOUND, KnownWords
from demo.server.completions import Completions


@pytest.fixture
def client():
    completions = Completions(lambda: KnownWords([f"dog {index}" for index in range(20)], None, {"de": ["Hund"]}))
    with TestClient(Starlette(routes=[Route("/completions", completions.answer)])) as client:
        yield client


def test_words_are_answered(client):
    answer = client.get("/completions", params={"q": "dog 1"})
    assert answer.json()["words"][0] == {"word": "dog 1", "predefined": True}
    assert len(answer.json()["words"]) == MAX_FOUND


def test_words_are_answered_in_the_language_asked_for(client):
    german = client.get("/completions", params={"q": "hun", "language": "de"}).json()
    assert german == {"words": [{"word": "Hund", "predefined": True}]}
    for language in ("en", "zh-CN", "x" * 5000):
        assert client.get("/completions", params={"q": "hun", "language": language}).json() == {"words": []}


@pytest.mark.parametrize("query", ["", "q=", "q=" + "x" * 5000, "q=%FF%FE", "q=a&q=zzz", "p=dog"])
def test_other_texts_are_answered_with_nothing(client, query):
    answer: httpx.Response = client.get(f"/completions?{query}")
    assert answer.status_code == 200 and answer.json() == {"words": []}


def test_the_words_are_collected_once():
    made = []
    completions = Completions(lambda: made.append(1) or KnownWords(["dog"]))
    assert made == []
    completions.find("d"), completions.find("do")
    assert made == [1]
