"""HTML of the tab of one photo shows the values, and no text becomes markup."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from demo.core.categories import Categories
from demo.core.examples import Example, list_examples
from demo.core.photos import Photo
from demo.views import page, photo
from ram.checkpoints.registry import list_models
from ram.describers.fallback import DescribedSentence
from ram.prediction import Prediction, Strength, TagScore
from ram.text.vocabulary import TagVocabulary
from tests.demo.views.outline import HOSTILE, Outline

LABELS = {"plus": "RAM++", "plain": "RAM"}


def prediction(probabilities, descriptions=2, threshold=0.5):
    tags = list(probabilities)
    weights = np.tile(np.arange(1, descriptions + 1) / sum(range(1, descriptions + 1)), (len(tags), 1))
    sentences = [[f"{tag}, sentence {i}" for i in range(descriptions)] for tag in tags]
    return Prediction(TagVocabulary.of(tags, threshold), sentences, np.array(list(probabilities.values())), weights)


def tagged(scored):
    return Photo({}, prediction=scored, tagged_in=0.123)


def test_present_tags_come_first_then_the_next_best():
    outline = Outline(photo.tags(tagged(prediction({"cat": 0.2, "dog": 0.9, "sea": 0.6, "car": 0.4}))))
    assert outline.rows() == ["dog", "sea", "car", "cat"]
    identifiers = [a.get("id") or a.get("data-tag") for _, a in outline.elements if "id" in a or "data-tag" in a]
    assert identifiers == ["present", "dog", "sea", "next-best", "car", "cat"]
    assert "2 tags" in outline.text
    assert "0.90" in outline.text


def test_an_unlike_photo_has_a_badge_and_five_tags_at_once():
    scores = prediction({f"tag {i}": 0.9 - i / 100 for i in range(9)} | {"below": 0.1})
    unlike = dataclasses.replace(scores, strength=Strength(1.0, unlike_below=1.5))
    outline = Outline(photo.tags(tagged(unlike)))
    badge = "Unlike the photos this model was taught on: tags may be wrong"
    assert outline.text[0] == badge and "4 more" in outline.text and "9 tags" in outline.text
    assert outline.rows() == [f"tag {i}" for i in range(9)]  # all are there, and no tag below its threshold
    (role,) = (a["role"] for _, a in outline.elements if "unlike" in a.get("class", ""))
    (told,) = (a["data-announce"] for _, a in outline.elements if "data-announce" in a)
    assert role == "note" and told.startswith(f"{badge}. 9 tags over the threshold")
    edited = Outline(photo.tags(tagged(unlike), edited={"below": TagScore("below", 0.2, 0.5)}))
    assert edited.rows()[-1] == "below" and badge in edited.text  # what was edited stays in the list


@pytest.mark.parametrize("strength", [None, Strength(1.5, unlike_below=1.5)])
def test_other_photos_have_no_badge(strength):
    scores = prediction({f"tag {i}": 0.9 - i / 100 for i in range(9)} | {"below": 0.1})
    outline = Outline(photo.tags(tagged(dataclasses.replace(scores, strength=strength))))
    assert "Unlike" not in " ".join(outline.text) and "4 more" not in outline.text and outline.rows()[-1] == "below"


def to_copy(outline):
    """Tags that the button copies, without regard to thumbs."""
    return [a["data-listed"] for _, a in outline.elements if "data-listed" in a and "data-present" in a]


def test_only_tags_over_their_thresholds_are_to_be_copied():
    many = {f"tag {i}": 0.9 - i / 100 for i in range(photo.SHOWN_TAGS + 3)}  # three of them are folded
    outline = Outline(photo.tags(tagged(prediction({**many, "sea": 0.2}))))
    assert [a["data-copy"] for tag, a in outline.elements if "data-copy" in a] == ["#tags"]
    assert to_copy(outline) == list(many)
    edited = {"sea": TagScore("sea", 0.7, 0.5), "tag 0": TagScore("tag 0", 0.3, 0.5)}
    outline = Outline(photo.tags(tagged(prediction({**many, "sea": 0.2})), edited=edited))
    assert set(to_copy(outline)) == {*many, "sea"} - {"tag 0"}


def test_without_a_tag_there_is_nothing_to_copy():
    outline = Outline(photo.tags(tagged(prediction({"sea": 0.2}))))
    assert not [a for _, a in outline.elements if "data-copy" in a]


def test_another_photo_is_chosen_or_taken_with_the_camera():
    outline = Outline(photo.choose())
    assert [a["data-choose"] for tag, a in outline.elements if tag == "button"] == ["file", "camera"]
    (camera,) = [a for tag, a in outline.elements if tag == "input"]
    assert camera["capture"] == "environment" and camera["accept"] == "image/*"


def test_an_edited_tag_is_listed_by_its_new_score_and_marked():
    scores = prediction({"cat": 0.7, "dog": 0.9, "sea": 0.1, **{f"other {i}": 0.2 for i in range(9)}})
    outline = Outline(photo.tags(tagged(scores), edited={"dog": TagScore("dog", 0.05, 0.5)}))
    assert outline.rows()[0] == "cat" and outline.rows()[-1] == "dog"
    assert outline.text.count("edited") == 1 and "1 tag" in outline.text and "0.05" in outline.text


def test_a_typed_tag_has_both_scores_in_one_row():
    scores = prediction({"dog": 0.9, "cat": 0.01, **{f"other {i}": 0.2 for i in range(9)}})
    outline = Outline(photo.tags(tagged(scores), typed={"cat": TagScore("cat", 0.75, 0.5)}))
    assert outline.rows()[-1] == "cat"  # listed although it is improbable
    assert outline.text[outline.text.index("cat") :][:4] == ["cat", "0.01", "as your own category", "0.75"]
    card = photo.cards(Categories(("cat",)), {"plus": prediction({"cat": 0.75})}, LABELS, listed={"cat": scores["cat"]})
    assert "In the list of tags: 0.01 , with the model's own sentences" in " ".join(Outline(card).text)


def test_descriptions_are_ordered_by_weight():
    scores = {"plus": prediction({"dog": 0.9}, descriptions=3)}
    text = Outline(photo.cards(Categories(("dog",)), scores, LABELS)).text
    told = text[text.index("dog, sentence 2") :]
    assert told[:6] == ["dog, sentence 2", "50%", "dog, sentence 1", "33%", "dog, sentence 0", "17%"]


def test_the_most_probable_tag_is_selected_first():
    outline = Outline(photo.tags(tagged(prediction({"cat": 0.7, "dog": 0.9, "sea": 0.1}))))
    pressed = {a["data-tag"]: a["aria-pressed"] for _, a in outline.elements if "data-tag" in a}
    assert pressed == {"dog": "true", "cat": "false", "sea": "false"}


def test_long_lists_are_folded():
    scores = {"plus": prediction({"dog": 0.9}, descriptions=51)}
    text = Outline(photo.cards(Categories(("dog",)), scores, LABELS)).text
    assert f"{51 - photo.SHOWN_DESCRIPTIONS} more, together " in " ".join(text)
    many = prediction({f"tag {i}": 0.9 for i in range(40)})
    outline = Outline(photo.tags(tagged(many)))
    assert len(outline.rows()) == 40
    assert f"{40 - photo.SHOWN_TAGS} more" in outline.text


def test_a_photo_without_present_tags_says_so():
    assert "No tag" in Outline(photo.tags(tagged(prediction({"dog": 0.1})))).text


def test_sentences_are_listed_before_they_are_scored():
    typed = Categories(("corgi", "kite"), {"corgi": (DescribedSentence("short legs", "lexicon"),)})
    text = Outline(photo.cards(typed, {}, LABELS)).text
    assert text == [
        "corgi", "describing…", "short legs", "1 sentence by lexicon", "Why, and edit", "kite", "waiting…",
        "Why, and edit",
    ]  # fmt: skip


def test_cards_show_every_model_and_the_main_models_weights():
    told = {"corgi": (DescribedSentence("corgi, sentence 0", "openai"), DescribedSentence("more", "lexicon"))}
    scores = {"plus": prediction({"corgi": 0.9}), "plain": prediction({"corgi": 0.25}, descriptions=1)}
    underway = Outline(photo.cards(Categories(("corgi",), told), scores, LABELS)).text
    assert underway[1:6] == ["RAM++", "0.90", "RAM", "0.25", "describing…"]
    ended = Categories(("corgi",), told, finished=frozenset(["corgi"]))
    text = Outline(photo.cards(ended, scores, LABELS)).text
    assert "describing…" not in text
    assert text[:5] == ["corgi", "RAM++", "0.90", "RAM", "0.25"]
    assert "67%" in text
    assert "2 sentences by openai and lexicon" in text


@pytest.mark.parametrize(
    "html",
    [
        lambda: photo.tags(tagged(prediction({HOSTILE: 0.9, HOSTILE + "2": 0.1}))),
        lambda: photo.cards(Categories((HOSTILE,), {HOSTILE: (DescribedSentence(HOSTILE, HOSTILE),)}), {}, LABELS),
        lambda: photo.cards(Categories((HOSTILE,)), {"plus": prediction({HOSTILE: 0.9})}, LABELS),
        lambda: photo.plot({"plus": prediction({HOSTILE: 0.9})}, LABELS),
        lambda: page.notice([HOSTILE]),
        lambda: page.header({HOSTILE: HOSTILE}, 3),
        lambda: page.link(HOSTILE, HOSTILE),
    ],
)
def test_no_text_becomes_markup(html):
    outline = Outline(html())
    assert "img" not in {tag for tag, _ in outline.elements}
    assert not any(name.startswith("on") for _, attributes in outline.elements for name in attributes)
    assert any("<img src=x" in text for text in outline.text)


def test_the_plot_has_a_text_for_screen_readers():
    scores = {"plus": prediction({"corgi": 0.9}), "plain": prediction({"corgi": 0.25})}
    ((_, figure),) = [found for found in Outline(photo.plot(scores, LABELS)).elements if found[0] == "figure"]
    assert "corgi: RAM++ 0.90, RAM 0.25" in figure["aria-label"]
    assert photo.plot({}, LABELS) == ""


def test_notices_repeat_no_sentence():
    assert Outline(page.notice(["One.", "Two.", "One."])).text == ["One.", "Two."]
    assert page.notice([]) == ""


def test_examples_have_titles_and_credits(tmp_path):
    Image.new("RGB", (60, 30)).save(tmp_path / "bee.jpg")
    Image.new("RGB", (60, 30)).save(tmp_path / "old_well.png")
    (tmp_path / "notes.txt").write_text("no photo")
    (tmp_path / "SOURCES.md").write_text(
        "| file | picture | author | licence | found in | original |\n|---|---|---|---|---|---|\n"
        "| `bee.jpg` | A bee (close) | Ann | [CC0 1.0](https://a.example/cc0) | x | [Site](https://b.example/bee) |\n"
    )
    Image.new("RGB", (60, 30)).save(tmp_path / "apple.png")
    bee, apple, well = list_examples(tmp_path)  # in the order of the table, then by name
    assert apple.title == "Apple"
    assert bee == Example(tmp_path / "bee.jpg", "A bee", "Ann", "CC0 1.0", "https://b.example/bee")
    assert bee.credit == "A bee: Ann, CC0 1.0"
    assert (well.title, well.credit) == ("Old well", "Old well")
    outline = Outline(photo.examples([bee, well]))
    assert [a["data-name"] for tag, a in outline.elements if tag == "button"] == ["bee.jpg", "old_well.png"]
    assert [a["alt"] for tag, a in outline.elements if tag == "img"] == ["A bee", "Old well"]
    assert [a["href"] for tag, a in outline.elements if tag == "a"] == ["https://b.example/bee"]


def test_the_scope_of_a_small_model_names_a_larger_one():
    said = " ".join(Outline(photo.scope(True)).text)
    assert "17,000 photos of everyday things" in said and f"--model {photo.LARGE}" in said
    assert photo.LARGE in list_models() and photo.scope(False) == ""


def test_a_missing_folder_of_examples_is_accepted(tmp_path):
    assert list_examples(tmp_path / "none") == []
    assert photo.examples([]) == ""
