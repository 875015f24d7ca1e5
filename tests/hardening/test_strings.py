"""Hostile text is shown or refused with a sentence; it never runs or becomes markup."""

import unicodedata

import pytest

from ram.errors import InputError
from ram.text.names import parse_categories
from tests.hardening.hostile_strings import HOSTILE
from tests.page.conftest import foreign
from tests.server import ask, upload

WAIT_MILLISECONDS = 120_000
"""Generous, because the test waits on conditions and the machine may be busy."""
PLACES = "#sections"
SHOWS = """([place, texts]) =>
  JSON.stringify([...document.querySelectorAll(place)].map(one => one.textContent)) === JSON.stringify(texts)"""
INTRUDERS = """place => [...document.querySelectorAll(`${place} *`)].filter(one =>
  ['SCRIPT', 'IFRAME', 'OBJECT', 'EMBED', 'BASE', 'META', 'LINK', 'STYLE'].includes(one.tagName)
  && !one.closest('svg')
  || [...one.attributes].some(own => !own.name.startsWith('data-say')  // texts as JSON, which become textContent
    && (/^on/i.test(own.name) || /javascript:|example.invalid/i.test(own.value)))
  || one.tagName === 'IMG' && !/^(data:image|blob:|http:..127.0.0.1)/.test(one.src)
).map(one => one.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def page(context, server):
    """One visit with a photo for all hostile strings; dialogs and requests to other hosts are recorded."""
    visit = context.new_page()
    visit.set_default_timeout(WAIT_MILLISECONDS)
    visit.surprises = []
    visit.on("dialog", lambda dialog: (visit.surprises.append(dialog.message), dialog.dismiss()))
    visit.on("pageerror", lambda error: visit.surprises.append(str(error)))
    visit.on("request", lambda request: visit.surprises.extend(foreign(request.url)))
    visit.goto(f"{server.address}/?__theme=light")
    visit.locator("#tags .summary").wait_for()
    yield visit
    visit.close()


def test_there_are_at_least_60_hostile_strings():
    assert len(set(HOSTILE)) >= 60


def test_hostile_text_on_the_page_is_shown_and_never_run(page):
    before = None
    for text in typed_texts():
        page.get_by_label("Categories").fill(text)
        place, expected = outcome(page.get_by_label("Categories").input_value())
        if expected == before:  # an equal answer would not show that this text has been read
            continue
        page.get_by_role("button", name="Score").click()
        page.wait_for_function(SHOWS, arg=[place, expected])
        before = expected
        assert page.evaluate("window.reached") is None, text
        assert page.evaluate(INTRUDERS, PLACES) == [], text
        assert page.surprises == [], text


def typed_texts():
    """All hostile strings: refused ones alone, accepted ones as categories in lists of ten."""
    accepted = []
    for text in HOSTILE:
        text = text.replace("\0", "\ufffd")  # browsers allow no NUL in a text box
        if outcome(text)[0] == ".typed-row .name":
            accepted.append(text)
        else:
            yield text
    for start in range(0, len(accepted), 10):
        yield ", ".join(accepted[start : start + 10])


def outcome(typed):
    """Selector and exact texts of the elements to expect: the error, or the categories."""
    try:
        return ".typed-row .name", list(parse_categories(typed))
    except InputError as error:
        return "#typed-notice p", [f"{str(error).rstrip('.')}."]


@pytest.mark.parametrize(
    "name", ["<img src=x onerror=window.reached=1>.png", "${window.reached=1}.png", "\u202egpj.png"]
)
def test_hostile_file_names_are_never_markup(page, name):
    given = {"name": name, "mimeType": "image/png", "buffer": b"no picture"}
    page.locator("#photo input[type=file]").first.set_input_files(given)
    page.locator("#photo-notice").get_by_text("cannot be read as a picture").wait_for()
    assert page.evaluate("window.reached") is None
    assert page.evaluate(INTRUDERS, PLACES) == []


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_programs_get_an_answer_or_one_plain_sentence(server, text):
    logged = len(server.said)
    with server.visitor() as visitor:
        worked, said = ask(visitor, "describe", text, "lexicon")
    assert server.said[logged:] == []
    if worked:
        told = [one["tag"] for one in said["categories"]]
        assert all(len(tag) <= 60 and not any(character in tag for character in "<>{}[]$`\\=") for tag in told)
    else:
        told = [said]
        assert said.endswith(".") and len(said) < 250 and "went wrong on our side" not in said
    assert not any(unicodedata.category(character) in ("Cc", "Cf") for text in told for character in text)


def test_hostile_text_in_the_url_never_runs(context, server):
    visit = context.new_page()
    visit.goto(
        f"{server.address}/?categories=%3Cimg%20src%3Dx%20onerror%3Dwindow.reached%3D1%3E&photo=%22%3E%3Cscript%3E"
    )
    visit.get_by_role("heading", level=1).wait_for()
    assert visit.evaluate("window.reached") is None
    visit.close()


def test_an_upload_is_never_served_as_a_page(server):
    with server.visitor() as visitor:
        for name in ("page.html", "drawing.svg", "script.js", "page.xhtml"):
            path = upload(visitor, name, b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
            answer = visitor.get(f"/gradio_api/file={path}")
            assert answer.headers["content-disposition"].startswith("attachment"), name
            assert "html" not in answer.headers["content-type"] and "svg" not in answer.headers["content-type"], name
