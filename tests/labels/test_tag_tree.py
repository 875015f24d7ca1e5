"""Kinds and hierarchy of the shipped and of the official tags."""

import pytest

from ram.labels.hypernyms import Hypernyms, load_kinds
from ram.labels.tag_tree import TagTree, shipped_tree
from ram.text.files import package_file
from ram.text.vocabulary import KINDS, TagVocabulary


def test_a_path_goes_from_the_general_to_the_particular():
    tree = shipped_tree()
    assert tree.above("corgi") == ("object", "animal", "dog")
    assert tree.above("American shorthair") == ("object", "animal", "cat"), "official"
    assert (tree.kind("run"), tree.above("run")) == ("action", ("action",))
    assert (tree.kind("Red"), tree.kind("velvet thing"), tree.above("velvet thing")) == ("attribute", "", ())


def test_the_first_hypernym_is_taken():
    tree = TagTree({"boy": "object", "child": "object", "male": "object"}, Hypernyms({"boy": ("child", "male")}))
    assert tree.above("boy") == ("object", "child")
    assert tree.below("male") == tree.below("child") == {"boy"} and tree.below("boy") == frozenset()


@pytest.mark.parametrize("model", ["ram-lite", "ram-plus-lite", "tag2text-lite"])
def test_every_shipped_tag_has_a_kind(model):
    vocabulary = TagVocabulary.load(package_file(f"pretrained/{model}/vocabulary.csv"))
    assert [tag for tag in vocabulary.tags if shipped_tree().kind(tag) not in KINDS] == []


def test_every_official_tag_has_a_kind_and_known_hypernyms():
    kinds, hypernyms = load_kinds(package_file("labels/official/kinds.csv"))
    assert len(kinds) == 2925 and {tag for tag, kind in kinds.items() if kind not in KINDS} == set()
    assert {above for tag in hypernyms for above in hypernyms[tag] if not shipped_tree().kind(above)} == set()


def test_reviewed_rows_are_in_the_table_of_official_tags():
    folder = package_file("labels/official")
    (kinds, hypernyms), (reviewed, above) = (load_kinds(folder / f"{name}.csv") for name in ("kinds", "reviewed"))
    assert {tag: kinds[tag] for tag in reviewed} == reviewed
    assert {tag: hypernyms.direct.get(tag, ()) for tag in reviewed} == {t: above.direct.get(t, ()) for t in reviewed}
