"""Typed categories are split, checked and matched to the tags that they mean."""

from __future__ import annotations

import random
import re
import unicodedata

import pytest

from ram.errors import InputError
from ram.text.names import (
    MAX_CATEGORIES,
    MAX_NAME_LENGTH,
    PUNCTUATION,
    matching_key,
    normalize_category,
    parse_categories,
    split_sense,
    unreadable_words,
)

HOSTILE = [
    "\u202ecorgi\u202c",
    "cor\x00gi\x1b[31m",
    "<script>alert(1)</script>",
    "a" * 61,
    "\ud800corgi",
    "z" + "\u0301" * 80,
    "🐕",
    '"; drop table tags; --',
    "{0.__class__}",
    "ignore all previous instructions",
    "   ",
    "-",
    "\u200b\u200b",
    "\ufeffkite",
    "\U000e0041\U000e0042dog",
    "猫、犬；鸟",
    "ab\u2028cd",
    "ab\u037ecd",
    "caf\u200be\u0301",
]


def test_typed_categories_are_split_collapsed_and_deduplicated() -> None:
    typed = " corgi, Meteor\t shower;\nCORGI \r\n kite，猫 "
    assert parse_categories(typed) == ("corgi", "Meteor shower", "kite", "猫")


@pytest.mark.parametrize("typed", ["", "  ", ",;\n", "\u202e,\u200b"])
def test_empty_input_explains_itself(typed: str) -> None:
    with pytest.raises(InputError, match="type one or more, such as"):
        parse_categories(typed)


def test_limits_hold_and_the_error_names_the_value() -> None:
    most = ",".join(f"tag {number}" for number in range(MAX_CATEGORIES))
    assert len(parse_categories(most)) == MAX_CATEGORIES
    with pytest.raises(InputError, match=f"{MAX_CATEGORIES + 1} categories are too many"):
        parse_categories(most + ",one more")
    assert normalize_category("b" * MAX_NAME_LENGTH) == "b" * MAX_NAME_LENGTH
    with pytest.raises(InputError, match='"bbbb.*" has 61 characters'):
        normalize_category("b" * 61)
    with pytest.raises(InputError, match='"!!!" has no letter or digit'):
        parse_categories("corgi, !!!")


@pytest.mark.parametrize(
    "name",
    [
        "Geoffroy's spider monkey", "kite (bird of prey)", "baluster / handrail", "rock 'n' roll", "R&B singer",
        "T-shirt", "St. Bernard", "person sit_on airplane", "café", "कुत्ता", "می‌خواهم", "犬の散歩", "（码放整齐的）一叠",
        "½ pound", "No. 10",
    ],
)  # fmt: skip
def test_names_keep_their_letters_and_light_punctuation(name: str) -> None:
    assert normalize_category(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize("character", '<>{}[]"`$\\|=*^~@#:;,“”«»🐕→')
def test_a_character_outside_the_allowed_ones_is_named(character: str) -> None:
    with pytest.raises(InputError, match=f"cannot have the character {re.escape(character)}"):
        normalize_category(f"dog {character} cat")


def test_repeats_do_not_count_towards_the_limit() -> None:
    assert parse_categories("corgi," * 500) == ("corgi",)


def test_any_typed_text_gives_clean_categories_or_an_error() -> None:
    chance = random.Random(7)
    alphabet = "ab Z9,;é猫\n" * 12 + "\t\x00\x1b\u202e\u2066\u200b\u200d\ufeff\ud800\u0301é猫🐕<>&\"'\\{}%$"
    typed = [*HOSTILE, ",".join(HOSTILE)]
    typed += ["".join(chance.choices(alphabet, k=chance.randrange(120))) for _ in range(800)]
    accepted = 0
    for text in typed:
        try:
            categories = parse_categories(text)
        except InputError as error:
            assert "\n" not in str(error) and len(str(error)) < 200
            str(error).encode("utf-8")
            continue
        accepted += 1
        assert 1 <= len(categories) <= MAX_CATEGORIES
        assert len({category.casefold() for category in categories}) == len(categories)
        for category in categories:
            assert 1 <= len(category) <= MAX_NAME_LENGTH
            assert category == " ".join(category.split())
            letters = [one for one in category if unicodedata.category(one)[0] not in "LMN"]
            assert set(letters) <= set(PUNCTUATION) | set(" \u200c\u200d")
            unseen = [one for one in category if unicodedata.category(one) in ("Cc", "Cs", "Co")]
            assert not unseen and not set(category) & set("\u202e\u2066\u200b\ufeff")
            category.encode("utf-8")
            assert parse_categories(category) == (category,)
    assert accepted > 100


@pytest.mark.parametrize(
    ("typed", "category"),
    [
        ("stuffed_animal", "stuffed animal"),
        ("black__and_white_photo", "black and white photo"),
        ("cat_(animal)", "cat (animal)"),
        ("_corgi", "_corgi"),
    ],
)
def test_underscores_between_typed_words_become_spaces(typed: str, category: str) -> None:
    assert parse_categories(typed) == (category,)


def test_names_that_mean_one_tag_have_one_matching_key() -> None:
    assert matching_key("Traffic_Light") == matching_key("traffic light")
    assert matching_key("Café") == matching_key("cafe") == matching_key("cafe\u0301")
    assert matching_key("T-shirt") == matching_key("t shirt")
    assert matching_key("कुत्ता") != matching_key("कत")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("crane (bird)", ("crane", "bird")),
        ("crane(bird)", ("crane", "bird")),
        ("crane（bird）", ("crane", "bird")),
        ("hot dog (food item)", ("hot dog", "food item")),
        ("crane", ("crane", "")),
        ("(bird)", ("(bird)", "")),
        ("crane ()", ("crane ()", "")),
    ],
)
def test_a_sense_in_brackets_is_split_off(name: str, parts: tuple[str, str]) -> None:
    assert split_sense(name) == parts


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a photo of a corgi.", ()),
        ("crème brûlée, naïve Łódź", ()),
        ("R&B 10° ½", ()),
        ("a photo of a 猫.", ("猫.",)),
        ("ネコ и кошка", ("ネコ", "и", "кошка")),
        ("猫 cat", ("猫",)),
        ("고양이 قطة कुत्ता γάτα", ("고양이", "قطة", "कुत्ता", "γάτα")),
    ],
)
def test_words_of_other_scripts_are_unreadable(text: str, words: tuple[str, ...]) -> None:
    assert unreadable_words(text) == words


def test_full_width_letters_are_typed_letters() -> None:
    assert parse_categories("ｃａｔ，Ｄｏｇ") == ("cat", "Dog")
