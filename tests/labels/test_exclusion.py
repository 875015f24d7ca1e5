"""An excluded tag stays out in every form that means it."""

import pytest

from ram.describers.lexicon.synsets import Lexicon, Synset
from ram.labels.exclusion import ExcludedTags
from ram.labels.label_system import LabelSystem, shipped_system
from ram.labels.reviewed_lists import shipped_lists
from ram.text.vocabulary import TagVocabulary

REVIEWED = LabelSystem(
    TagVocabulary.of(["motorcycle", "bicycle", "child", "gather", "surfboard"]),
    {"motorbike": "motorcycle", "bike": "bicycle", "kid": "child"},
)
LEXICON = Lexicon(
    [
        Synset(("motorcycle", "bike"), "a motor vehicle", "artifact", photos=3),
        Synset(("sofa", "couch", "lounge"), "a seat", "artifact", photos=3),
        Synset(("surfing", "surfboarding"), "riding waves", "act", photos=2),
    ]
)


@pytest.mark.parametrize(
    ("tag", "word"),
    [
        ("puppy", "puppy"),
        ("Tennis  Ball", "tennis ball"),
        ("puppy", "puppies"),
        ("wolf", "wolves"),
        ("skiing", "ski"),
        ("dive", "diving"),
        ("surfing", "surfs"),
        ("swim", "swimming"),
        ("wetsuit", "wet suit"),
        ("cell phone", "cell-phone"),
        ("train", "toy train"),
        ("motorcycle", "motorbike"),
        ("motorbike", "motorcycle"),
        ("kid", "child"),
        ("sofa", "couch"),
        ("sofa", "couches"),
        ("sofa", "leather couch"),
    ],
)
def test_an_excluded_tag_keeps_out_what_means_it(tag, word):
    assert ExcludedTags([tag], REVIEWED, LEXICON).reason(word) == f"excluded: {' '.join(tag.lower().split())}"


@pytest.mark.parametrize(
    ("tag", "word"),
    [
        ("train", "train station"),
        ("cow", "cowboy"),
        ("cup", "cupboard"),
        ("tent", "attention"),
        ("motorcycle", "bike"),  # a person gave this word another meaning than the lexicon does
        ("surfing", "surfboard"),
    ],
)
def test_an_excluded_tag_leaves_other_words_alone(tag, word):
    assert ExcludedTags([tag], REVIEWED, LEXICON).reason(word) == ""


def test_a_system_is_left_without_what_is_excluded():
    left = ExcludedTags(["motorbike", "gathering"], REVIEWED, LEXICON).remove_from(REVIEWED)
    assert left.vocabulary.tags == ("bicycle", "child", "surfboard")
    assert left.synonyms == {"bike": "bicycle", "kid": "child"}


def test_the_open_set_benchmark_excludes_no_shipped_tag(shared):
    lists = shipped_lists()
    benchmark = shared / "data/flickr8k/benchmarks/flickr8k_uncommon_79/flickr8k_uncommon_79_taglist.txt"
    banned = ExcludedTags(benchmark.read_text().splitlines(), lists.system, lists.lexicon)
    words = {*shipped_system().vocabulary.tags, *shipped_system().synonyms}
    assert {word: reason for word in words if (reason := banned.reason(word))} == {}
