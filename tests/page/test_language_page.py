"""Labels, choices, templates and messages in the language of the visitor's browser."""

import pytest

from demo.core.shown_tags import translated_tags
from demo.core.texts import fill, texts
from tests.page.conftest import WAIT_MILLISECONDS, foreign
from tests.page.visits import EXAMPLES

ENGLISH_WORDS = ("threshold", "sentence", "weight", "photo", "Choose", "Download", "Show", "Score")
"""Words of the page's English texts that stand in no tag, sentence or name of a model."""
DESCRIBERS = ("lexicon", "template", "local", "lexicon_local")
TRANSLATED = """() => [...document.querySelectorAll('[data-say]')].filter(one => one.checkVisibility())
  .map(one => [JSON.parse(one.dataset.say), one.textContent])"""


@pytest.fixture
def visit(browser, address):
    """Open the page in a browser of a language; fails if a script breaks or a marker is left over."""
    contexts, faults = [], []

    def open_page(locale):
        contexts.append(browser.new_context(locale=locale))
        page = contexts[-1].new_page()
        page.set_default_timeout(WAIT_MILLISECONDS)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: faults.extend(foreign(request.url)))
        page.goto(address)
        page.locator("#tags .summary").wait_for()
        return page

    yield open_page
    for context in contexts:
        assert "__i18n__" not in context.pages[0].inner_text("body")
        context.close()
    assert faults == []


@pytest.mark.parametrize(
    ("locale", "language"), [("en-GB", "en"), ("de-AT", "de"), ("zh-CN", "zh-CN"), ("pt-BR", "en")]
)
def test_the_page_is_in_the_language_of_the_browser(visit, locale, language):
    page, words = visit(locale), texts(language)
    assert page.get_by_role("tab").all_inner_texts() == [words[key] for key in ("one_photo", "compare", "many_photos")]
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("h1").inner_text() == words["title"]
    assert page.locator("#categories input").get_attribute("placeholder") == words["categories_placeholder"]
    assert page.locator("#score").inner_text() == words["score"]
    assert page.locator("#tags [data-tag=dog] .verdict-word").inner_text() == words["sure"]
    assert page.locator("#tags .tag-group h3").first.inner_text() == words["kind_object"]
    describers = page.locator("#describer label").all_inner_texts()  # the last two where the small model is installed
    assert describers == [words[key] for key in DESCRIBERS][: len(describers)] and len(describers) in (2, 4)
    assert page.locator("#describer").get_by_text(words["describers_without_key"][:30]).count() == 1
    assert page.locator("#tags [type=range]").get_attribute("aria-label") == words["more_or_fewer"]
    page.get_by_role("button", name=words["code"]).click()
    page.locator("#share-code code").first.wait_for()
    page.get_by_role("tab", name=words["compare"]).click()
    page.locator("#compare-found .versus").first.wait_for()
    assert page.locator("#compare-kind label").first.inner_text() == words["shared_tags"]
    page.get_by_role("tab", name=words["many_photos"]).click()
    page.get_by_role("button", name=words["choose_folder"]).wait_for()
    page.get_by_role("button", name=words["try_examples"]).wait_for()


@pytest.mark.parametrize("locale, language", [("de-DE", "de"), ("zh-CN", "zh-CN")])
def test_what_changes_stays_in_the_language(visit, locale, language):
    page, words = visit(locale), texts(language)
    page.locator("#categories input").fill("")
    page.locator("#score").click()
    said = fill(words["sentence"], {"text": words["from_no_category"]})
    page.locator("#typed-notice").get_by_text(said, exact=True).wait_for()
    page.locator("#categories input").fill("kite")
    page.locator("#score").click()
    page.locator(".typed-row[data-category=kite] .marks").wait_for()
    assert page.locator(".typed-rows h3").inner_text() == words["what_you_typed"]
    page.locator("#asker button").click()
    page.locator("#cards .origin").get_by_text(words["sentences_by"].partition("{authors}")[0][-5:].strip()).wait_for()
    page.locator("#tags [type=range]").focus()
    page.keyboard.press("End")
    page.locator("#tags .which").get_by_text(words["a_lower_threshold"], exact=True).wait_for()
    letter = {"name": "letter.png", "mimeType": "image/png", "buffer": b"Dear all,"}
    page.locator("#photo input[type=file]").set_input_files(letter)
    page.locator("#photo-notice").get_by_text(words["from_no_picture"].partition("{forms}")[0][6:20]).wait_for()
    page.locator("#photo input[type=file]").set_input_files(EXAMPLES / "coffee.jpg")
    page.locator("#tags [data-present][data-tag=coffee]").wait_for()
    page.wait_for_timeout(300)
    words = {**words, **translated_tags(language)}
    for (key, _), text in page.evaluate(TRANSLATED):
        beginning = words[key].partition("{")[0]
        assert text.startswith(beginning) and not any(word in text for word in ENGLISH_WORDS), (key, text)


@pytest.mark.parametrize("locale, language, name", [("de-DE", "de", "Hund"), ("zh-CN", "zh-CN", "狗")])
def test_tags_have_names_in_the_language_and_are_understood_by_them(visit, locale, language, name):
    page, words = visit(locale), texts(language)
    row = page.locator("#tags .tag-row[data-tag=dog]")
    assert row.locator(".name").inner_text() == name
    row.click()
    page.locator("#why h2").get_by_text(fill(words["why_tag"], {"tag": name}), exact=True).wait_for()
    page.locator("#categories input").fill(name)
    page.locator("#score").click()
    page.locator(".typed-row[data-category=dog] .marks").wait_for()
    page.locator(".typed-row .name .status").wait_for(state="detached")
    assert page.locator(".typed-row .name").inner_text() == name
    page.get_by_role("tab", name=words["compare"]).click()
    assert page.locator("#compare-found .versus[data-tag=dog] .name").inner_text() == name
