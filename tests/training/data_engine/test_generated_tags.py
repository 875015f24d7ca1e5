"""Generated tags: a sure class becomes its tag, its kind, or a text query; what is excluded stays out."""

import pytest
import torch

from ram.text.vocabulary import TagVocabulary
from ram.training.data.triplets import Triplets
from ram.training.data_engine.class_tags import class_tags, excluded
from ram.training.data_engine.generated_tags import generate_tags, read_words
from ram.training.data_engine.imagenet import class_names
from ram.training.recipe import GeneratedRecipe

NAMES = [("tabby", "tabby cat"), ("coffee mug",), ("crane",), ("fire truck", "fire engine"), ("sea lion",), ("crane",)]
TAGS = ("mug", "dog", "engine", "lion", "truck", "cat")


def generate(probabilities, exclude=(), synonyms=None, **recipe):
    """Generate for three pictures: the first shows a dog, trucks are unknown."""
    targets = torch.zeros(3, len(TAGS), dtype=torch.bool)
    targets[0, 1] = True
    known = torch.ones_like(targets)
    known[:, 4] = False
    triplets = Triplets(("a", "b", "c"), ((), (), ()), targets, known)
    recipe = GeneratedRecipe(**{"threshold": 0.3, "absent_below": 0.05, **recipe})
    vocabulary = TagVocabulary.of(TAGS)
    return generate_tags(triplets, torch.tensor(probabilities), NAMES, vocabulary, synonyms or {}, recipe, exclude)


def there(generated, picture):
    names = [*TAGS, *generated.classes.tags]
    return {n for n, t in zip(names, generated.triplets.targets[picture].tolist(), strict=True) if t}


def unknown(generated, picture):
    names = [*TAGS, *generated.classes.tags]
    return {n for n, k in zip(names, generated.triplets.known[picture].tolist(), strict=True) if not k}


def test_a_confident_class_is_a_query_and_its_kind_a_tag():
    generated = generate([[0, 0.9, 0, 0, 0, 0], [0, 0.2, 0, 0.7, 0, 0], [0, 0, 0, 0, 0, 1.0]])
    assert there(generated, 0) == {"dog", "mug", "coffee mug"}
    assert there(generated, 1) == {"truck", "fire truck"} and there(generated, 2) == {"crane"}
    assert unknown(generated, 0) == {"truck"}  # as before
    assert unknown(generated, 1) == {"coffee mug"}  # neither sure nor unlikely; the truck is known now
    assert generated.classes.tags == ("coffee mug", "crane", "fire truck")
    assert generated.classes["crane"][0] == "a photo of a crane." and 1 < len(set(generated.classes["crane"])) <= 4


def test_a_class_with_the_name_of_a_tag_is_that_tag():
    generated = generate([[0.9, 0, 0, 0, 0, 0]] * 3, synonyms={"Tabby": "cat"})
    assert there(generated, 1) == {"cat"} and generated.classes.tags == ()


def test_classes_of_one_name_or_one_tag_count_together():
    generated = generate([[0, 0, 0.2, 0, 0, 0.2]] * 3)
    assert there(generated, 2) == {"crane"} and generated.classes.tags == ("crane",)
    generated = generate([[0.2, 0.2, 0, 0, 0, 0]] * 3, synonyms={"tabby": "mug"})
    assert there(generated, 2) == {"mug"}


def test_what_holds_an_excluded_word_is_neither_tag_nor_query():
    generated = generate([[0, 0.9, 0, 0, 0, 0], [0, 0, 0, 0.9, 0, 0], [0, 0, 0.9, 0, 0, 0]], exclude=["Mugs", "crane"])
    assert [there(generated, picture) for picture in range(3)] == [{"dog"}, {"truck", "fire truck"}, set()]
    assert generated.report["left out"] == ["coffee mug", "crane"]


def test_a_classifier_that_is_never_sure_changes_nothing():
    generated = generate([[0.25, 0.25, 0.1, 0.2, 0.1, 0.1]] * 3)
    assert generated.triplets.targets.shape == (3, len(TAGS)) and there(generated, 0) == {"dog"}
    assert unknown(generated, 0) == {"truck"} and generated.classes.tags == ()


def test_the_report_counts_the_pictures_of_every_generated_tag():
    report = generate([[0, 0.9, 0, 0, 0, 0], [0, 0.4, 0, 0.5, 0, 0], [0, 0, 0, 0.5, 0, 0]]).report
    assert report["tags"] == {"mug": 2, "truck": 2} and report["classes"] == {"coffee mug": 2, "fire truck": 2}
    assert report["threshold"] == 0.3


@pytest.mark.parametrize(
    ("name", "word", "out"),
    [
        ("electric guitar", "guitar", True),
        ("cellphone", "cell phone", True),
        ("cell-phone", "cell phone", True),
        ("school bus", "buses", True),
        ("sunglasses", "sunglasses", True),
        ("Italian greyhound", "greyhounds", True),
        ("horse cart", "cart horse", False),
        ("scarf", "car", False),
        ("cup", "cup board", False),
    ],
)
def test_a_name_is_excluded_by_whole_words_in_any_number(name, word, out):
    assert excluded(name, [word]) == out


def test_imagenet_classes_have_everyday_kinds():
    words = "animal ball bicycle bird boat car cat chair dog fruit hat insect kite lion plane reptile snake spider "
    words += "truck"
    found = {c.name: c for c in class_tags(class_names(), {word: word for word in words.split()})}
    kinds = {
        "goldfinch": "animal bird", "hummingbird": "animal bird", "albatross": "animal bird", "tabby": "animal cat",
        "chihuahua": "animal dog", "mexican hairless": "animal dog", "timber wolf": "animal", "sea lion": "animal",
        "thunder snake": "animal reptile snake", "tarantula": "animal spider", "monarch": "animal insect",
        "puffer": "animal", "abacus": "", "golf ball": "ball", "rocking chair": "chair", "cab": "car",
        "sports car": "car", "tow truck": "truck", "gondola": "boat", "sombrero": "hat", "strawberry": "fruit",
        "pomegranate": "fruit", "mountain bike": "bicycle", "freight car": "",
    }  # fmt: skip
    assert {name: " ".join(sorted(found[name].kinds)) for name in kinds} == kinds
    assert found["lion"].same == "lion" and found["sea lion"].same is None
    assert found["kite"].same is None and found["plane"].same is None  # the bird, and the carpenter's


def test_a_file_of_excluded_tags_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "tags.txt").write_text("dog\n\n cell phone \n")
    assert read_words(tmp_path / "tags.txt") == ("dog", "cell phone")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    for name in ("none.txt", "binary.txt"):
        with pytest.raises(ValueError, match=f"generated.exclude names {name}, which cannot be read"):
            read_words(tmp_path / name)
