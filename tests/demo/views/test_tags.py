"""The list of tags: by kind, a verdict before the number, and no text becomes markup."""

import dataclasses

import pytest

from demo.views import tags
from ram.prediction import Strength, TagScore
from tests.demo.views.outline import HOSTILE, Outline
from tests.demo.views.predictions import prediction, tagged


def rows(outline, visible=True):
    """Tags of the rows that are visible at first, or of the others."""
    return [a["data-tag"] for _, a in outline.elements if "data-tag" in a and ("hidden" not in a) == visible]


def listed(probabilities, **options):
    return Outline(tags.tags(tagged(prediction(probabilities)), **options))


def test_tags_stand_by_kind_with_a_verdict_before_the_number():
    outline = listed({"dog": 0.9, "run": 0.6, "beach": 0.7, "cat": 0.3, "xyzzy": 0.1})
    assert rows(outline) == ["dog", "cat", "beach", "run", "xyzzy"]
    assert [a["aria-label"] for tag, a in outline.elements if tag == "section"] == [
        "Objects", "Scene", "Actions", "Other",
    ]  # fmt: skip
    words = outline.text
    assert words[words.index("Objects") :][1:7] == ["sure", "dog", "0.90", "perhaps", "cat", "0.30"]
    assert "3 tags" in words and words[words.index("xyzzy") - 1] == "unlikely"
    assert {a["data-tag"] for _, a in outline.elements if "data-present" in a} == {"dog", "run", "beach"}


def test_tags_among_the_typed_categories_count_and_are_downloaded():
    outline = listed({"dog": 0.9, "beach": 0.7, "cat": 0.3}, without=["dog"])
    assert rows(outline) == ["cat", "beach"] and "2 tags" in outline.text
    (margins,) = [a["data-elsewhere"].split() for _, a in outline.elements if "data-elsewhere" in a]
    assert [float(margin) for margin in margins] == pytest.approx([2.1972], abs=1e-4)
    (chosen,) = [a["data-tag"] for _, a in outline.elements if a.get("aria-pressed") == "true"]
    assert chosen == "beach"
    whole = listed({"dog": 0.9, "beach": 0.7, "cat": 0.3})
    files = [[a["href"] for _, a in one.elements if a.get("href", "").startswith("data:")] for one in (outline, whole)]
    assert files[0] == files[1] and files[0]


def test_rows_carry_what_the_slider_needs():
    outline = listed({"dog": 0.9, "cat": 0.4} | {f"below {i}": 0.3 for i in range(9)})
    margins = {a["data-tag"]: float(a["data-margin"]) for _, a in outline.elements if "data-margin" in a}
    assert margins["dog"] == pytest.approx(2.1972, abs=1e-4) and margins["cat"] == pytest.approx(-0.4055, abs=1e-4)
    (slider,) = [a for tag, a in outline.elements if tag == "input"]
    assert (slider["type"], slider["value"], slider["aria-valuetext"]) == ("range", "0", "1 tag")
    assert len(rows(outline, visible=False)) == 4  # a lower threshold adds them


def test_an_unlike_photo_has_a_badge_and_five_tags_at_once():
    scores = prediction({f"tag {i}": 0.9 - i / 100 for i in range(9)} | {"below": 0.1})
    unlike = dataclasses.replace(scores, strength=Strength(1.0, unlike_below=1.5))
    outline = Outline(tags.tags(tagged(unlike)))
    badge = "Unlike what this model knows"
    assert outline.text[0] == badge and "4 more" in outline.text and "9 tags" in outline.text
    assert rows(outline) == [f"tag {i}" for i in range(5)]
    assert "below" in rows(outline, visible=False)  # no tag below its threshold until one asks for more
    (role,) = (a["role"] for _, a in outline.elements if "badge" in a.get("class", ""))
    (told,) = (a["data-announce"] for _, a in outline.elements if "data-announce" in a)
    assert role == "note" and told.startswith(f"{badge}. 9 tags over the threshold")
    edited = Outline(tags.tags(tagged(unlike), edited={"below": TagScore("below", 0.2, 0.5)}))
    assert rows(edited)[-1] == "below" and badge in edited.text  # what was edited stays in the list


@pytest.mark.parametrize("strength", [None, Strength(1.5, unlike_below=1.5)])
def test_other_photos_have_no_badge(strength):
    scores = prediction({f"tag {i}": 0.9 - i / 100 for i in range(9)} | {"below": 0.1})
    outline = Outline(tags.tags(tagged(dataclasses.replace(scores, strength=strength))))
    assert "Unlike" not in " ".join(outline.text) and rows(outline)[-1] == "below"
    assert not [a for _, a in outline.elements if "badge" in a.get("class", "")]


def to_copy(outline):
    """Tags that the button copies, without regard to thumbs."""
    return [a["data-listed"] for _, a in outline.elements if "data-listed" in a and "data-present" in a]


def test_only_tags_over_their_thresholds_are_to_be_copied():
    many = {f"tag {i}": 0.9 - i / 100 for i in range(tags.SHOWN_TAGS + 3)}  # three of them are folded
    outline = listed({**many, "sea": 0.2})
    assert [a["data-copy"] for tag, a in outline.elements if "data-copy" in a] == ["#tags-panel"]
    assert to_copy(outline) == list(many) and "3 more" in outline.text
    edited = {"sea": TagScore("sea", 0.7, 0.5), "tag 0": TagScore("tag 0", 0.3, 0.5)}
    assert set(to_copy(listed({**many, "sea": 0.2}, edited=edited))) == {*many, "sea"} - {"tag 0"}


def test_without_a_tag_there_is_nothing_to_copy():
    outline = listed({"sea": 0.2})
    assert not [a for _, a in outline.elements if "data-copy" in a] and "No tag" in outline.text


def test_an_edited_tag_is_listed_by_its_new_score_and_marked():
    outline = listed(
        {"cat": 0.7, "dog": 0.9, "sea": 0.1, **{f"other {i}": 0.2 for i in range(9)}},
        edited={"dog": TagScore("dog", 0.05, 0.5)},
    )
    assert {"cat", "dog"} <= set(rows(outline))
    assert outline.text.count("edited") == 1 and "1 tag" in outline.text and "0.05" in outline.text


def test_a_typed_tag_is_listed_once():
    assert rows(listed({"dog": 0.9, "sea": 0.8}, without=["dog"])) == ["sea"]


def test_the_most_probable_tag_is_selected_first():
    outline = listed({"cat": 0.7, "dog": 0.9, "sea": 0.1})
    pressed = {a["data-tag"]: a["aria-pressed"] for _, a in outline.elements if "data-tag" in a}
    assert pressed == {"dog": "true", "cat": "false", "sea": "false"}


def test_no_tag_becomes_markup():
    outline = listed({HOSTILE: 0.9, HOSTILE + "2": 0.1})
    assert "img" not in {tag for tag, _ in outline.elements}
    assert any("<img src=x" in text for text in outline.text)
