"""Labels in the language of the visitor's browser."""

import json

import pytest

from demo.views.render import TRANSLATIONS
from tests.page.conftest import WAIT_MILLISECONDS

LABELS = json.loads(TRANSLATIONS.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("locale", "language"), [("en-GB", "en"), ("de-AT", "de"), ("zh-CN", "zh-CN"), ("pt-BR", "en")]
)
def test_labels_are_in_the_language_of_the_browser(browser, address, locale, language):
    context = browser.new_context(locale=locale)
    page = context.new_page()
    page.set_default_timeout(WAIT_MILLISECONDS)
    page.goto(address)
    page.locator("#tags .summary").wait_for()
    words = LABELS[language]
    assert page.get_by_role("tab").all_inner_texts() == [words[key] for key in ("one_photo", "compare", "many_photos")]
    assert page.locator("#categories input").get_attribute("placeholder") == words["categories_placeholder"]
    assert page.locator("#score").inner_text() == words["score"]
    page.get_by_role("button", name=words["code"]).click()
    page.locator("#share-code code").first.wait_for()
    page.get_by_role("tab", name=words["many_photos"]).click()
    page.get_by_role("button", name=words["choose_folder"]).wait_for()
    page.get_by_role("button", name=words["try_examples"]).wait_for()
    assert "__i18n__" not in page.inner_text("body")
    context.close()
