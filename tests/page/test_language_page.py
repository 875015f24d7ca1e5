"""Labels, choices, templates, messages and names of tags in the language of the visitor's browser or settings."""

import pytest

from demo.core.shown_tags import translated_tags
from demo.core.texts import fill, sentence, texts
from tests.page.conftest import WAIT_MILLISECONDS, foreign
from tests.page.visits import EXAMPLES, compare

ENGLISH_WORDS = ("threshold", "sentence", "weight", "photo", "Choose", "Download", "Show", "Score")
"""Words of the page's English texts that stand in no tag, sentence or name of a model."""
DESCRIBERS = ("lexicon", "template", "local", "lexicon_local")
TRANSLATED = """() => [...document.querySelectorAll('[data-say]')].filter(one => one.checkVisibility())
  .map(one => [JSON.parse(one.dataset.say), one.textContent])"""
DRAWN = """() => {
  window.drawn = [];
  const write = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
    window.drawn.push(text);
    write.call(this, text, ...place);
  };
}"""
"""Lists what is written on a picture from now on."""


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


@pytest.mark.parametrize("locale, language", [("de-DE", "de"), ("zh-CN", "zh-CN")])
def test_an_error_about_a_file_is_wholly_in_the_language(visit, locale, language):
    page = visit(locale)
    document = {"name": "scan.jpg", "mimeType": "image/jpeg", "buffer": b"%PDF-1.7" + bytes(300)}
    page.locator("#photo input[type=file]").set_input_files(document)
    said = sentence("scan.jpg is a PDF document, which cannot be read as a picture: save it as JPEG or PNG")
    page.locator("#photo-notice").get_by_text(said.in_language(language), exact=True).wait_for()


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


def spoken(page, place):
    """What a screen reader says of a plot."""
    return page.locator(f"{place} figure").first.get_attribute("aria-label")


@pytest.mark.parametrize(("locale", "language", "dog"), [("de-DE", "de", "Hund"), ("zh-CN", "zh-CN", "狗")])
def test_plots_and_cards_name_tags_in_the_language(visit, locale, language, dog):
    page, words = visit(locale), texts(language)
    page.locator("#categories input").fill(f"{dog}, meteor shower")
    page.locator("#score").click()
    page.locator(".typed-row[data-category=dog] .marks").wait_for()
    compare(page)
    page.locator("#plot .wide svg text").get_by_text(dog, exact=True).first.wait_for()
    for plot in ("#plot .wide svg text", "#plot .narrow svg text"):
        shown = page.locator(plot).all_text_contents()
        assert dog in shown and "dog" not in shown and "meteor shower" in shown
    assert fill(words["label_and_value"], {"label": dog, "value": "RAM++ 1.00"}) in spoken(page, "#plot")
    assert "dog" not in spoken(page, "#plot")
    page.evaluate(DRAWN)
    with page.expect_download():
        page.get_by_role("button", name=words["picture_card"]).click()
    assert dog in page.evaluate("drawn") and "dog" not in page.evaluate("drawn")
    page.locator("#categories input").fill("")
    page.locator("#score").click()
    names = fill(words["comma"], {"first": dog, "rest": "meteor shower"})
    page.locator("#stale").get_by_text(fill(words["still_the_last"], {"names": names}), exact=True).wait_for()
    page.get_by_role("tab", name=words["compare"]).click()
    page.locator("#compare-found .plot summary").click()
    assert dog in page.locator("#compare-found .wide svg text").all_text_contents()
    assert fill(words["label_and_value"], {"label": dog, "value": ""}) in spoken(page, "#compare-found")


@pytest.mark.parametrize(
    ("locale", "language", "begun", "dog"), [("de-DE", "de", "Hun", "Hund"), ("zh-CN", "zh-CN", "狗", "狗")]
)
def test_names_in_the_language_are_offered_and_understood(visit, locale, language, begun, dog):
    page = visit(locale)
    page.locator("#photo img").wait_for()
    assert page.locator("#photo img").get_attribute("alt") == texts(language)["photo_alt"]
    page.locator("#categories input").focus()
    page.keyboard.type(begun)
    option = page.locator("#completions [role=option]").first
    option.wait_for()
    assert option.get_attribute("data-word") == dog
    assert option.inner_text().split("\n") == [dog, texts(language)["predefined_tag"]]
    option.click()
    assert page.locator("#categories input").input_value() == dog
    page.locator("#score").click()
    page.locator(".typed-row[data-category=dog] .marks").wait_for()
    suggested = page.locator("#suggestions [data-suggest]")
    known = translated_tags(language)
    for word, shown in zip(
        suggested.evaluate_all("all => all.map(one => one.dataset.suggest)"), suggested.all_inner_texts(), strict=True
    ):
        assert shown == known.get(f"tag:{word}", word)


@pytest.mark.parametrize(
    ("locale", "language", "dog", "armchair"), [("de-DE", "de", "Hund", "Sessel"), ("zh-CN", "zh-CN", "狗", "扶手椅")]
)
def test_choices_of_an_album_are_in_the_language(visit, locale, language, dog, armchair):
    page, words = visit(locale), texts(language)
    page.get_by_role("tab", name=words["many_photos"]).click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name=words["choose_photos"]).click()
    chooser.value.set_files([EXAMPLES / "dogs.jpg", EXAMPLES / "coffee.jpg"])
    page.locator("#album-category").wait_for()
    page.locator("#album-filter input").click()
    page.get_by_role("option", name=f"{dog} (1)", exact=True).click()
    page.locator("#album-filter .token").get_by_text(f"{dog} (1)").wait_for()
    page.locator("#album-tag input").click()
    page.get_by_role("option", name=dog, exact=True).click()
    assert page.locator("#album-tag input").input_value() == dog
    page.locator("#album-box input").fill(f"{dog}, {armchair}")
    page.locator("#album-score").click()
    page.locator("#album-winners .matrix").wait_for()
    assert page.locator("#album-winners .matrix thead th").all_inner_texts() == [words["photo"], dog, armchair]


def test_a_language_chosen_in_the_settings_is_shown_and_understood(visit):
    page, words = visit("en-GB"), texts("de")
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Language").click()
    page.get_by_role("option", name="Deutsch").click()
    page.locator("html[lang=de]").wait_for(state="attached")
    page.get_by_role("dialog").get_by_role("button").first.click()  # closes the settings
    page.locator("h1").get_by_text(words["title"]).wait_for()
    assert page.locator("#photo img").get_attribute("alt") == words["photo_alt"]
    page.locator("#categories input").fill("Hund")
    page.locator("#score").click()
    page.locator(".typed-row[data-category=dog] .marks").wait_for()
    page.locator(".typed-row .name .status").wait_for(state="detached")
    assert page.locator(".typed-row .name").inner_text() == "Hund"
    page.reload()  # gradio follows the browser again
    page.locator("#tags .summary").wait_for()
    assert page.locator("h1").inner_text() == texts("en")["title"]
    page.locator("#categories input").fill("Hund")
    page.locator("#score").click()
    page.locator(".typed-row[data-category=Hund] .marks").wait_for()
