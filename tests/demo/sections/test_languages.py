"""Labels travel as keys, and every label that is asked for exists."""

import gradio as gr
import pytest

from demo.core.texts import languages
from demo.sections.languages import COOKIE, choices, tag_label, translations, typed_by, wording
from demo.views.render import STATIC


def test_a_label_travels_as_its_key():
    """With a prefix, because gradio would take its own words for keys such as "code"."""
    assert '"page_code"' in str(wording("code"))
    assert translations().translations_dict["de"]["page_code"] == languages()["de"]["code"]


def test_a_choice_without_a_key_keeps_its_label():
    (known, value), (own, model) = choices({"lexicon": "lexicon", "openai:a-model": "a-model"})
    assert '"page_lexicon"' in known and value == "lexicon"
    assert (own, model) == ("a-model", "openai:a-model")


def test_the_label_of_a_tag_has_a_name_in_every_language():
    assert '"page_tag:dog"' in tag_label("dog") and tag_label("grok") == "grok"
    names = {code: known["page_tag:dog"] for code, known in translations().translations_dict.items()}
    assert names == {"en": "dog", "de": "Hund", "zh-CN": "狗"}


@pytest.mark.parametrize(
    ("accepted", "cookies", "understood"),
    [
        ("de-AT,de;q=0.9", "", "dog"),
        ("en-GB", f"other=1; {COOKIE}=de", "dog"),
        ("de-AT,de;q=0.9", f"{COOKIE}=en", "Hund"),
        ("de-AT,de;q=0.9", f"{COOKIE}=<script>; ==;;", "dog"),
    ],
)
def test_typed_names_are_read_in_the_chosen_language(accepted, cookies, understood):
    request = gr.Request(headers={"accept-language": accepted, "cookie": cookies})
    assert typed_by(request, "Hund") == understood


def test_the_browser_sets_the_cookie_that_is_read():
    assert f"COOKIE = '{COOKIE}'" in (STATIC / "languages.html").read_text(encoding="utf-8")
