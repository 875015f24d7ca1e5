"""Hypernyms: implied at any distance, never of themselves."""

import pytest

from ram.labels.hypernyms import Hypernyms, load_kinds, save_kinds

STEPS = {"corgi": ("dog",), "dog": ("animal",), "apple": ("fruit", "food")}


def test_a_tag_implies_what_its_hypernyms_imply():
    hypernyms = Hypernyms(STEPS)
    assert hypernyms["corgi"] == {"dog", "animal"}
    assert hypernyms["sky"] == frozenset()
    assert hypernyms.complete(["corgi", "sky"]) == {"corgi", "dog", "animal", "sky"}


def test_a_circle_is_refused():
    with pytest.raises(ValueError, match="hypernym of itself"):
        Hypernyms({"a": ("b",), "b": ("a",)})


def test_a_saved_file_reads_back_the_same(tmp_path):
    kinds = {"corgi": "object", "dog": "object", "animal": "object", "apple": "object", "red": "attribute"}
    save_kinds(tmp_path / "kinds.csv", kinds, Hypernyms(STEPS))
    read, hypernyms = load_kinds(tmp_path / "kinds.csv")
    assert read == kinds and hypernyms.direct == Hypernyms(STEPS).direct
