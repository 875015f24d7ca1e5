"""Bad images given to a running page: each gets a result or one sentence."""

import pytest

from tests.hardening.bad_pictures import bad_pictures
from tests.hardening.memory import least_growth
from tests.server import ask, photo, upload

BAD = list(bad_pictures())
KEPT = 20_000_000
"""Bytes by which the page may grow when all images are sent again; the largest need 500 MB while they are read."""
VISIT = "bad-images"
"""One visit for all images: gradio keeps 0.35 MB for each of the last 200 visits, which is not what is measured."""


@pytest.fixture(scope="module")
def visitor(server):
    with server.visitor() as one:
        yield one


@pytest.mark.parametrize(("name", "content", "sentence"), BAD, ids=[ascii(name)[:40] for name, _, _ in BAD])
def test_a_bad_picture_is_a_result_or_a_sentence(visitor, name, content, sentence):
    worked, said = ask(visitor, "tag", photo(upload(visitor, name, content)), 3, session=VISIT)
    if worked:
        assert not sentence, f"{name} became a result but should be refused: {sentence}"
        assert len(said["scores"]) == 3 and all(0 <= one["probability"] <= 1 for one in said["scores"])
    else:
        assert sentence is not None, f"{name} should be looked at: {said}"
        assert sentence in said and said.endswith(".") and "\n" not in said and len(said) < 250
        assert "went wrong on our side" not in said


def test_there_are_at_least_40_bad_images():
    assert len(BAD) >= 40


def test_bad_images_leave_the_page_alive_and_memory_free(server, visitor):
    def send_all() -> None:
        for name, content, _ in BAD:
            ask(visitor, "tag", photo(upload(visitor, name, content)), 3, session=VISIT)

    assert least_growth(server, send_all, KEPT) < KEPT
    assert visitor.get("/health").status_code == 200
    assert server.process.poll() is None
