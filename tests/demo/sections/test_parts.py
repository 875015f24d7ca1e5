"""Errors of event handlers become notices; programming errors are logged and never blamed on the visitor."""

import logging

import pytest

from demo.core.messages import UNEXPECTED
from demo.sections.parts import errors_shown_in
from ram.errors import InputError


class Section:
    """Handlers that fail, one that answers and one that streams."""

    notice = "the notice"

    def empty(self):
        return {"photo": None}

    @errors_shown_in("notice", reset="empty")
    def answer(self, error):
        raise error

    @errors_shown_in("notice")
    def stream(self, error):
        yield {"tags": "first"}
        raise error


def updates(section, error):
    """Updates of both handlers for an error, and the first one that was streamed before it."""
    first, streamed = section.stream(error)
    return section.answer(error), streamed, first


def test_an_error_for_people_shows_its_own_message(caplog):
    answered, streamed, first = updates(Section(), InputError("the photo is <b>too large</b>: give a smaller one"))
    assert first == {"tags": "first"} and answered["photo"] is None
    for update in (answered, streamed):
        assert "the photo is &lt;b&gt;too large&lt;/b&gt;: give a smaller one." in update["the notice"]
    assert caplog.text == ""


@pytest.mark.parametrize("error", [ValueError("shape (3, 4)"), KeyError("x"), RuntimeError("secret"), OSError("disk")])
def test_a_programming_error_is_logged_and_owned(caplog, error):
    with caplog.at_level(logging.ERROR):
        answered, streamed, _ = updates(Section(), error)
    for update in (answered, streamed):
        assert UNEXPECTED in update["the notice"] and str(error) not in update["the notice"]
    assert caplog.text.count("Traceback") == 2 and type(error).__name__ in caplog.text


def test_leaving_a_stream_is_not_an_error(caplog):
    stream = Section().stream(ValueError("never raised"))
    next(stream)
    stream.close()
    assert caplog.text == ""
