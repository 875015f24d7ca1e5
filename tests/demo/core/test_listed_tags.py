"""The list of tags is grouped by kind and holds what a lower threshold would add."""

import dataclasses

import numpy as np

from demo.core.listed_tags import MAX_BELOW, MAX_SHIFT, NEXT_BEST, by_kind, everyday_kinds, list_tags
from ram.prediction import Prediction, Strength, TagScore
from ram.text.vocabulary import TagVocabulary


def prediction(probabilities, threshold=0.5, kinds=()):
    tags = tuple(probabilities)
    vocabulary = TagVocabulary(tags, (threshold,) * len(tags), kinds=kinds)
    sentences, weights = [[tag] for tag in tags], np.ones((len(tags), 1))
    return Prediction(vocabulary, sentences, np.array(list(probabilities.values())), weights)


MANY = {"dog": 0.9, "sea": 0.6} | {f"below {i}": 0.4 - i / 100 for i in range(8)} | {"far": 0.01}


def test_present_tags_come_first_then_next_best_then_others():
    listed = list_tags(prediction(MANY))
    assert [one.tag for one in listed] == [*MANY][:10]  # "far" is out of reach of any threshold
    assert [one.rank for one in listed] == list(range(10))
    assert [one.tag for one in listed if one.next_best] == [f"below {i}" for i in range(NEXT_BEST)]
    assert [one.score.present for one in listed] == [True] * 2 + [False] * 8
    assert all(one.margin > -MAX_SHIFT for one in listed)


def test_the_list_is_bounded():
    many = {f"tag {i}": 0.45 for i in range(300)}
    assert len(list_tags(prediction(many))) == MAX_BELOW


def test_an_unlike_photo_has_no_next_best():
    unlike = dataclasses.replace(prediction(MANY), strength=Strength(1.0, unlike_below=1.5))
    listed = list_tags(unlike)
    assert not any(one.next_best for one in listed) and len(listed) == 10


def test_edited_tags_are_always_listed_by_their_new_scores():
    listed = list_tags(prediction(MANY), {"far": TagScore("far", 0.02, 0.5), "dog": TagScore("dog", 0.1, 0.5)})
    found = {one.tag: one for one in listed}
    assert found["far"].edited and found["far"].next_best and found["far"].score.probability == 0.02
    assert listed[0].tag == "sea" and not found["dog"].score.present and not found["sea"].edited
    assert len(found) == len(listed)


def test_tags_that_are_listed_elsewhere_are_left_out():
    assert [one.tag for one in list_tags(prediction(MANY), without=["dog", "below 0"])][:2] == ["sea", "below 1"]


def test_kinds_come_from_the_vocabulary_or_the_everyday_labels():
    own = list_tags(prediction({"dog": 0.9, "sea": 0.8}, kinds=("action", "")))
    assert [(title, [one.tag for one in tags]) for _, title, tags in by_kind(own)] == [
        ("Actions", ["dog"]), ("Other", ["sea"]),
    ]  # fmt: skip
    everyday = list_tags(prediction({"run": 0.9, "dog": 0.8, "beach": 0.7, "brown": 0.6, "xyzzy": 0.6}))
    assert [(title, tags[0].tag) for _, title, tags in by_kind(everyday)] == [
        ("Objects", "dog"), ("Scene", "beach"), ("Attributes", "brown"), ("Actions", "run"), ("Other", "xyzzy"),
    ]  # fmt: skip
    assert everyday_kinds()["dog"] == "object"
