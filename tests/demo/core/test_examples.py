"""The examples of the page: most are tagged right, and those that are not say so."""

import pytest

from demo.core.examples import list_examples
from demo.sections.album import MAX_EXAMPLES
from ram.tagger_loading import load
from tests.paths import ROOT

EXPECTED = {
    "dogs": "dog", "mountains": "mountain", "bridge": "bridge", "coffee": "coffee", "temple": "building",
    "astronaut": "person", "cat": "cat", "bee": "insect", "polar_bear": "polar bear", "parrot": "macaw",
    "photographer": "photographer", "stream": "river", "crocodile": "crocodile", "meadow": "mountain",
}  # fmt: skip
ERRS = {"fig": "pasta", "sunset": "volcano"}
"""Examples with what the shipped model sees in them, among its three most probable tags, and what is not there."""


@pytest.fixture(scope="module")
def examples():
    return list_examples(ROOT / "assets" / "examples")


def test_there_are_sixteen_and_the_last_two_say_that_they_fail(examples):
    assert [example.path.stem for example in examples] == [*EXPECTED, *ERRS]
    assert [example.path.stem for example in examples if "the model errs" in example.title] == list(ERRS)
    assert MAX_EXAMPLES == 8 and all(example.author and example.licence for example in examples)


@pytest.mark.slow
def test_the_shipped_model_finds_what_they_show(examples):
    tagger = load("ram-plus-lite", "cpu")
    found = {example.path.stem: tagger.tag(example.path).tags for example in examples}
    assert {name for name, tag in EXPECTED.items() if tag not in found[name]} == set()
    assert {name for name, tag in ERRS.items() if tag not in found[name][:3]} == set()
    assert "fig" not in found["fig"] and "fruit salad" in found["fig"]
