"""Rows of a comparison stand under the verdict they have, and lead to their tag."""

import numpy as np
import pytest

from demo.core.comparison import DIFFER, NO, YES, ModelComparison
from demo.views.comparison import comparison, heading
from ram.prediction import Prediction
from ram.text.vocabulary import TagVocabulary
from tests.demo.views.outline import HOSTILE, Outline

LABELS = {"plus": "RAM++", "plain": "RAM", "clip": "CLIP"}
PROBABILITIES = {"plus": (0.9, 0.8, 0.1, 0.2), "plain": (0.2, 0.7, 0.3, 0.6), "clip": (0.9, 0.9, 0.1, 0.1)}


def compared(*models):
    vocabulary = TagVocabulary.of((HOSTILE, "sea", "kite", "dog"), 0.5)
    scores = {
        model: Prediction(vocabulary, [("x",)] * 4, np.array(PROBABILITIES[model]), np.ones((4, 1))) for model in models
    }
    return ModelComparison(scores, dict.fromkeys(models, 0.1), dict.fromkeys(models, 0.2))


def test_rows_stand_under_their_verdict_and_name_both_models():
    outline = Outline(comparison(compared("plus", "plain"), LABELS, b"jpeg"))
    groups, rows = [], {}
    for _, attributes in outline.elements:
        if "data-group" in attributes:
            groups.append(attributes["data-group"])
        elif "data-tag" in attributes:
            rows.setdefault(groups[-1], []).append((attributes["data-tag"], attributes["data-kind"]))
    assert groups == [DIFFER, YES, NO]
    assert rows == {DIFFER: [(HOSTILE, "tag"), ("dog", "tag")], YES: [("sea", "tag")], NO: [("kite", "tag")]}
    folded = [a for tag, a in outline.elements if tag == "details" and a.get("data-group") == NO]
    assert len(folded) == 1 and "open" not in folded[0]
    labels = [a["aria-label"] for _, a in outline.elements if "data-tag" in a]
    assert "Why dog: RAM++ 0.20, no; RAM 0.60, yes" in labels
    assert not any(name.startswith("on") for _, attributes in outline.elements for name in attributes)
    (photo,) = [a for tag, a in outline.elements if tag == "img"]
    assert photo["src"].startswith("data:image/jpeg;base64,")


@pytest.mark.parametrize(
    ("models", "titles"),
    [
        (("plus",), ["RAM++ says yes", "RAM++ says no"]),
        (("plus", "plain"), ["RAM++ and RAM differ", "Both say yes", "Both say no"]),
        (("plus", "plain", "clip"), ["RAM++, RAM and CLIP differ", "All say yes", "All say no"]),
    ],
)
def test_titles_follow_the_number_of_models(models, titles):
    text = Outline(comparison(compared(*models), LABELS)).text
    assert [line for line in text if line in titles] == titles


def test_one_model_has_no_group_of_differences():
    outline = Outline(comparison(compared("plus"), LABELS))
    assert [a["data-group"] for _, a in outline.elements if "data-group" in a] == [YES, NO]


def test_a_visitors_own_categories_are_marked():
    rows = [a for _, a in Outline(comparison(compared("plus"), LABELS, typed=True)).elements if "data-tag" in a]
    assert {a["data-kind"] for a in rows} == {"typed"}
    assert "RAM++ against CLIP" in heading({"a": "RAM++", "b": "CLIP"})
