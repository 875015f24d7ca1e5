"""A label system holds what captions name often, each meaning once, and says what it left out."""

import pytest

from ram.describers.lexicon.synsets import Lexicon, Synset
from ram.labels.building import build_label_system
from ram.labels.label_system import LabelSystem
from ram.labels.parsing import ParsedTag
from ram.labels.reviewed_lists import ReviewedLists, shipped_lists
from ram.text.vocabulary import KINDS, TagVocabulary

LEXICON = Lexicon(
    [
        Synset(("mug", "beaker"), "a cup with a handle", "artifact", photos=3),
        Synset(("beaker bird", "pelican"), "a bird", "animal", photos=3),
        Synset(("rug", "hearth rug"), "a floor covering", "artifact", photos=3),
        Synset(("crane",), "a bird", "animal", photos=2),
        Synset(("lifting device", "crane"), "a machine", "artifact", photos=2),
        Synset(("hot dog",), "a sausage", "food", photos=3),
    ]
)
LISTS = ReviewedLists(
    stop={"front": "place in the picture"},
    scenes={"street"},
    system=LabelSystem(TagVocabulary.of(["man", "boy", "bicycle"]), {"guy": "man", "bike": "bicycle"}),
    lexicon=LEXICON,
)
_ACTIONS, _ATTRIBUTES = {"run", "running", "leap"}, {"red", "old"}


def pictures(**counts):
    """Pictures of one word each, as many per word as its number; "_" stands for a space."""

    def kind(word):
        return "action" if word in _ACTIONS else "attribute" if word in _ATTRIBUTES else "object"

    named = {word.replace("_", " "): number for word, number in counts.items()}
    return [(ParsedTag(word, kind(word)),) for word, number in named.items() for _ in range(number)]


def build(exclude=(), min_pictures=1, max_tags=100, **counts):
    return build_label_system(pictures(**counts), LISTS, exclude, min_pictures, max_tags)


def verdict_of(built, word):
    """Tag and reason of a word in the report."""
    return next((verdict.tag, verdict.reason) for verdict in built.verdicts if verdict.word == word)


def test_tags_come_most_frequent_first_and_rare_ones_are_dropped():
    built = build(min_pictures=2, dog=3, cat=2, horse=4, bear=1)
    assert built.system.vocabulary.tags == ("horse", "dog", "cat")
    assert verdict_of(built, "bear") == ("", "in fewer than 2 pictures")


def test_a_picture_counts_once_for_a_tag_with_its_synonyms():
    dog, man, guy = (ParsedTag(word, "object") for word in ("dog", "man", "guy"))
    built = build_label_system([(man, guy), (dog, man), (guy,), (dog,)], LISTS, min_pictures=1)
    assert {verdict.word: verdict.pictures for verdict in built.verdicts} == {"man": 3, "dog": 2, "guy": 2}


@pytest.mark.parametrize(
    ("word", "tag", "reason"),
    [
        ("guy", "man", "a reviewed synonym"),
        ("skate_board", "skateboard", "another spelling"),
        ("skate-board", "skateboard", "another spelling"),
        ("pelicans", "pelican", "a plural"),
        ("running", "run", "an -ing form"),
        ("hearth_rug", "rug", "a name of the same ImageNet synset"),
    ],
)
def test_words_of_one_meaning_become_one_tag(word, tag, reason):
    built = build(**{tag: 5, word: 3, "dog": 6})
    word = word.replace("_", " ")
    assert built.system.vocabulary.tags == (tag, "dog") and dict(built.system.synonyms)[word] == tag
    assert verdict_of(built, word) == (tag, reason)


def test_a_reviewed_tag_wins_over_a_more_frequent_synonym():
    assert build(bike=9, bicycle=1).system.vocabulary.tags == ("bicycle",)


def test_two_reviewed_tags_are_never_joined():
    lexicon = Lexicon([Synset(("man", "boy"), "a person", "artifact", photos=3)])
    lists = ReviewedLists({}, (), LISTS.system, lexicon)
    assert len(build_label_system(pictures(man=2, boy=2), lists, min_pictures=1).system) == 2


def test_a_word_of_two_meanings_joins_nothing():
    assert len(build(crane=2, lifting_device=2).system) == 2


def test_pairs_that_only_look_like_plurals_stay_apart():
    assert len(build(wood=2, woods=2, glass=2, glasses=2).system) == 4


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("front", "place in the picture"),
        ("red_ball", "a thing with a word that says little of it"),
        ("front_door", "a thing with a word that says little of it"),
        ("dog_leap", "a thing and what it does"),
    ],
)
def test_words_that_name_no_tag_are_dropped_with_the_reason(word, reason):
    built = build(**{word: 9, "leap": 2})
    assert built.system.vocabulary.tags == ("leap",)
    assert verdict_of(built, word.replace("_", " ")) == ("", reason)


def test_words_in_another_script_are_no_tags():
    built = build(**{"猫": 5, "кошка": 3, "café": 2, "dog": 2})
    assert built.system.vocabulary.tags == ("café", "dog")
    assert verdict_of(built, "猫") == verdict_of(built, "кошка") == ("", "a word that the text encoder cannot read")


def test_a_known_thing_may_begin_with_an_attribute():
    assert "hot dog" in build(hot_dog=3).system.vocabulary


def test_a_moderate_system_keeps_some_of_every_kind():
    objects = {f"thing{number}": 50 + number for number in range(30)}
    built = build(max_tags=20, **objects, street=2, red=2, old=3, leap=1, run=4)
    assert len(built.system) == 20
    kinds = {kind: [verdict.word for verdict in built.tags(kind)] for kind in KINDS}
    assert dict(zip(built.system.vocabulary.tags, built.system.vocabulary.kinds, strict=True))["run"] == "action"
    assert [kinds[kind] for kind in ("scene", "attribute", "action")] == [["street"], ["old", "red"], ["run", "leap"]]
    assert verdict_of(built, "thing0") == ("", "not among the 20 chosen")


def test_every_word_read_is_in_the_report_once_and_a_tag_or_not():
    built = build(min_pictures=2, dog=3, guy=2, front=5, bear=1)
    assert sorted(verdict.word for verdict in built.verdicts) == ["bear", "dog", "front", "guy", "man"]
    assert {verdict.tag for verdict in built.verdicts} == {"", *built.system.vocabulary.tags}


def test_captions_that_name_nothing_often_enough_are_an_error():
    with pytest.raises(ValueError, match="no tag is named for 9 pictures"):
        build(min_pictures=9, dog=3)
    with pytest.raises(ValueError, match="at least 0 pictures"):
        build(min_pictures=0, dog=3)


def test_shipped_lists_do_not_contradict_each_other():
    lists = shipped_lists()
    assert len(lists.stop) > 400 and all(lists.stop.values()) and len(lists.scenes) > 200
    assert sorted(lists.stop.keys() & {*lists.words, *lists.scenes}) == []
