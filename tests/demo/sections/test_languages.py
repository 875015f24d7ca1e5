"""Labels travel as keys, and every label that is asked for exists."""

from demo.core.texts import languages
from demo.sections.languages import choices, translations, wording


def test_a_label_travels_as_its_key():
    """With a prefix, because gradio would take its own words for keys such as "code"."""
    assert '"page_code"' in str(wording("code"))
    assert translations().translations_dict["de"]["page_code"] == languages()["de"]["code"]


def test_a_choice_without_a_key_keeps_its_label():
    (known, value), (own, model) = choices({"lexicon": "lexicon", "openai:a-model": "a-model"})
    assert '"page_lexicon"' in known and value == "lexicon"
    assert (own, model) == ("a-model", "openai:a-model")
