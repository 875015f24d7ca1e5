"""Tags by their names in the languages of the page, both ways."""

import copy
import json
import pickle

import pytest

from demo.core.shown_tags import (
    TagName,
    in_english,
    names_to_type,
    tag_list,
    tag_name,
    translated_tags,
    visitors_language,
)
from demo.core.texts import Text, languages, say, texts
from ram.text.names import parse_categories

GERMAN = "de-AT,de;q=0.9,en;q=0.8"


def test_a_tag_carries_its_own_key_through_copies():
    for one in (tag_name("dog"), copy.deepcopy(tag_name("dog")), pickle.loads(pickle.dumps(tag_name("dog")))):
        assert isinstance(one, TagName) and one == "dog"
        assert json.loads(one.specification) == ["tag:dog", {}]


def test_a_word_without_names_stays_a_word():
    assert not isinstance(tag_name("<b>grok</b>"), Text) and tag_name("<b>grok</b>") == "<b>grok</b>"


def test_names_of_all_languages_but_english_are_sent_to_the_browser():
    assert {code for code in languages() if translated_tags(code)} == {"de", "zh-CN"}
    assert translated_tags("de")["tag:dog"] == "Hund" and translated_tags("zh-CN")["tag:dog"] == "狗"
    assert translated_tags("de")["tag:close-up"] == "Nahaufnahme"  # by its own spelling, with the hyphen
    assert len(translated_tags("de")) > 1_200


def test_a_list_of_tags_is_one_text_in_the_order_given():
    assert tag_list([]) == "" and tag_list(["dog"]) == "dog"
    listed = tag_list(["dog", "beach", "grok"])
    assert listed == "dog, beach, grok"
    first = ["tag:dog", {}]
    assert json.loads(listed.specification) == [
        "comma", {"first": first, "rest": ["comma", {"first": ["tag:beach", {}], "rest": "grok"}]},
    ]  # fmt: skip
    assert json.loads(say("why_tag", tag=tag_name("dog")).specification) == ["why_tag", {"tag": first}]


@pytest.mark.parametrize(
    ("typed", "accepted", "understood"),
    [
        ("Hund, drachen steigen", GERMAN, "dog, drachen steigen"),
        ("狗，海滩", "zh-CN,zh;q=0.9", "dog, beach"),
        ("Hut, Hund", GERMAN, "Hut, dog"),  # a hut is a tag, and the German word for a hat
        ("Hund", "en-GB,de;q=0.5", "Hund"),  # another language of the page is not guessed
        ("Hund", "", "Hund"),
        ("", GERMAN, ""),
        ("<script>", GERMAN, "<script>"),  # no list of categories: refused later, by the words that were typed
    ],
)
def test_names_in_the_visitors_language_are_understood(typed, accepted, understood):
    assert in_english(typed, accepted) == understood


def test_only_names_that_are_understood_are_offered():
    assert names_to_type(["dog", "grok", "hat", "beach"], "de") == ["Hund", "Strand"]  # a German Hut is read as a hut
    assert names_to_type(["dog"], "zh-CN") == ["狗"] and names_to_type(["dog"], "en") == []


@pytest.mark.parametrize(("chosen", "understood"), [("de", "dog"), ("zh-CN", "Hund"), ("en", "Hund")])
def test_the_language_of_the_settings_goes_before_the_browsers(chosen, understood):
    assert in_english("Hund", visitors_language(GERMAN if chosen != "de" else "en-GB", chosen)) == understood


@pytest.mark.parametrize("chosen", ["", "xx", "../de", "de,en", "d" * 5000])
def test_a_language_that_the_page_does_not_have_is_ignored(chosen):
    assert visitors_language(GERMAN, chosen) == GERMAN


@pytest.mark.parametrize("language", ["de", "zh-CN"])
@pytest.mark.parametrize("key", ["categories_placeholder", "album_placeholder"])
def test_the_words_in_an_empty_box_are_understood(language, key):
    written = texts(language)[key]
    understood = parse_categories(in_english(written, language))
    assert not set(understood) & set(parse_categories(written))
    assert all(f"tag:{one}" in translated_tags(language) for one in understood)
