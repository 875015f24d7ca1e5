"""Tags by their names in the languages of the page, both ways."""

import copy
import json
import pickle

import pytest

from demo.core.shown_tags import TagName, in_english, tag_list, tag_name, translated_tags
from demo.core.texts import Text, languages, say

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
