"""The shipped label system agrees with itself, and its descriptions are ours, visual and about their tags."""

import csv
import re
from importlib import resources

import pytest

from ram.describers.lexicon.synsets import Lexicon
from ram.labels.label_system import shipped_descriptions, shipped_system

SYSTEM, DESCRIPTIONS = shipped_system(), shipped_descriptions()
VOCABULARY, SYNONYMS = SYSTEM.vocabulary, SYSTEM.synonyms


def plain(sentence):
    """A sentence without capitals, punctuation and doubled spaces."""
    return " ".join(re.findall(r"[a-z0-9]+", sentence.casefold()))


_ENDINGS = (
    ("", ("s", "es", "d", "ed", "r", "er", "ing")), ("e", ("ing",)), ("ie", ("ying",)), ("y", ("ies", "ied")),
    ("f", ("ves",)), ("fe", ("ves",)), ("man", ("men",)),
)  # fmt: skip


def inflections(word):
    """The word with the endings of nouns and verbs; the last letter may double."""
    forms = {word} | {word + word[-1] + ending for ending in ("ed", "er", "ing")}
    for old, endings in _ENDINGS:
        if word.endswith(old):
            forms |= {word.removesuffix(old) + ending for ending in endings}
    return forms


def mentions(sentence, tag):
    """Does the sentence hold every word of the tag, perhaps inflected?"""
    words = set(plain(sentence).split())
    return all(words & inflections(word) for word in plain(tag).split())


def test_every_tag_is_described_in_the_same_order():
    assert DESCRIPTIONS.tags == VOCABULARY.tags and len(VOCABULARY) == 623


def test_tags_are_plain_lower_case_names():
    assert [tag for tag in VOCABULARY.tags if not re.fullmatch(r"[a-z]+(?:[ -][a-z]+)*", tag)] == []


def test_every_tag_has_at_least_ten_descriptions_all_different():
    assert [tag for tag, sentences in DESCRIPTIONS.items() if len(set(map(plain, sentences))) < 10] == []
    assert [tag for tag, sentences in DESCRIPTIONS.items() if len(set(map(plain, sentences))) < len(sentences)] == []


def test_descriptions_have_6_to_22_words():
    lengths = {sentence: len(sentence.split()) for sentences in DESCRIPTIONS.values() for sentence in sentences}
    assert {sentence: length for sentence, length in lengths.items() if not 6 <= length <= 22} == {}


def test_descriptions_are_one_tidy_line():
    sentences = [sentence for sentences in DESCRIPTIONS.values() for sentence in sentences]
    assert [s for s in sentences if s != " ".join(s.split()) or not s.isascii() or not s.isprintable()] == []


def test_most_descriptions_of_a_tag_name_it():
    named = {tag: sum(mentions(s, tag) for s in sentences) for tag, sentences in DESCRIPTIONS.items()}
    assert {tag: count for tag, count in named.items() if count <= len(DESCRIPTIONS[tag]) / 2} == {}


@pytest.mark.parametrize(
    ("sentence", "tag", "named"),
    [
        ("two women running home", "woman", True),
        ("loaves on a shelf", "loaf", True),
        ("a child carries a puppy", "carry", True),
        ("he is swimming", "swim", True),
        ("a dog lying down", "lie", True),
        ("a firetruck passes", "truck", False),
        ("a red fire over a truck", "fire truck", True),
        ("a carpet on the floor", "car", False),
    ],
)
def test_inflections_count_and_parts_of_words_do_not(sentence, tag, named):
    assert mentions(sentence, tag) is named


def test_no_description_is_a_gloss_of_the_lexicon():
    lexicon = Lexicon.installed()
    glosses = {plain(synset.gloss) for name in lexicon.names for synset in lexicon.synsets(name)}
    assert len(glosses) > 20_000
    assert [s for sentences in DESCRIPTIONS.values() for s in sentences if plain(s) in glosses] == []


def test_synonyms_point_to_tags_and_are_no_tags_so_none_chains():
    assert len(SYNONYMS) > 400
    assert {word: tag for word, tag in SYNONYMS.items() if tag not in VOCABULARY} == {}
    assert [word for word in SYNONYMS if word in VOCABULARY] == []


def test_a_synonym_means_one_tag_and_is_listed_once():
    with open(resources.files("ram") / "labels/lite/synonyms.csv", encoding="utf-8", newline="") as file:
        words = [row["synonym"] for row in csv.DictReader(file)]
    assert sorted({plain(word) for word in words}) == sorted(map(plain, words))


def test_the_tags_of_the_open_set_benchmark_stay_out(shared):
    folder = shared / "data/flickr8k/benchmarks"
    unseen = {plain(tag) for tag in next(folder.rglob("*uncommon_79*_taglist.txt")).read_text().splitlines()}
    held = {plain(word) for word in (*VOCABULARY.tags, *SYNONYMS)}
    number = {form for tag in unseen for form in (tag, f"{tag}s", f"{tag}es", tag.removesuffix("s"))}
    assert len(unseen) == 79 and number & held == set()


def test_every_shipped_tag_has_a_kind():
    kinds = dict(zip(VOCABULARY.tags, VOCABULARY.kinds, strict=True))
    assert [tag for tag, kind in kinds.items() if not kind] == []
    some = {"dog": "object", "street": "scene", "red": "attribute", "ride": "action", "curly": "attribute"}
    assert {tag: kinds[tag] for tag in some} == some
