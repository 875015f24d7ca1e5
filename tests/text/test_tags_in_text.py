"""Tags that a sentence names, by its words."""

import pytest

from ram.text.tags_in_text import TagsInText

TAGS = ("dog", "hot dog", "Christmas tree", "tree", "T-shirt", "crane (bird)", "café", "dog", "child")


@pytest.mark.parametrize(
    ("sentence", "named"),
    [
        ("A dog eats two hot dogs.", [0, 1]),
        ("Dogs and more dogs under the CHRISTMAS TREE", [0, 2]),
        ("a tree for Christmas", [3]),
        ("A man in a t-shirt at a cafe", [4, 6]),
        ("a crane", []),
        ("children's doghouse", []),
        ("three children", [8]),
        ("", []),
        ("...!", []),
    ],
)
def test_names_are_found_longest_first_and_in_plural(sentence, named):
    assert TagsInText(TAGS).find(sentence) == named


def test_no_tags_find_nothing():
    assert TagsInText(()).find("a dog") == []
