"""HTML of the page: it says what the values say, and nothing typed or generated becomes mark-up."""

from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from demo.core.categories import Categories
from demo.core.examples import Example, list_examples
from demo.core.photos import Photo, Tagged
from demo.views import markup
from ram.checkpoints.model_folder import list_models
from ram.describers.fallback import DescribedSentence
from ram.prediction import Prediction
from ram.text.vocabulary import TagVocabulary

LABELS = {"plus": "RAM++", "plain": "RAM"}
HOSTILE = "<img src=x onerror=alert(1)>\"'&"


class Outline(HTMLParser):
    """The elements and the visible text of a fragment."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.text = [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        if data.strip():
            self.text.append(data.strip())

    def rows(self):
        return [attributes["data-tag"] for _, attributes in self.elements if "data-tag" in attributes]


def prediction(probabilities, descriptions=2, threshold=0.5):
    tags = list(probabilities)
    weights = np.tile(np.arange(1, descriptions + 1) / sum(range(1, descriptions + 1)), (len(tags), 1))
    sentences = [[f"{tag}, sentence {i}" for i in range(descriptions)] for tag in tags]
    return Prediction(TagVocabulary.of(tags, threshold), sentences, np.array(list(probabilities.values())), weights)


def tagged(scored):
    return Tagged(Photo({}), Image.new("RGB", (8, 8)), scored, 0.123)


def test_tags_over_the_threshold_come_first_then_the_next_best():
    outline = Outline(markup.tags(tagged(prediction({"cat": 0.2, "dog": 0.9, "sea": 0.6, "car": 0.4}))))
    assert outline.rows() == ["dog", "sea", "car", "cat"]
    identifiers = [a.get("id") or a.get("data-tag") for _, a in outline.elements if "id" in a or "data-tag" in a]
    assert identifiers == ["present", "dog", "sea", "next-best", "car", "cat"]
    assert "2 tags" in outline.text
    assert "0.90" in outline.text


def test_descriptions_of_a_typed_category_stand_heaviest_first_with_their_weights():
    scores = {"plus": prediction({"dog": 0.9}, descriptions=3)}
    text = Outline(markup.categories(Categories(("dog",)), scores, LABELS)).text
    told = text[text.index("dog, sentence 2") :]
    assert told[:6] == ["dog, sentence 2", "50%", "dog, sentence 1", "33%", "dog, sentence 0", "17%"]


def test_the_most_probable_tag_is_the_one_that_is_explained_first():
    outline = Outline(markup.tags(tagged(prediction({"cat": 0.7, "dog": 0.9, "sea": 0.1}))))
    pressed = {a["data-tag"]: a["aria-pressed"] for _, a in outline.elements if "data-tag" in a}
    assert pressed == {"dog": "true", "cat": "false", "sea": "false"}


def test_many_descriptions_and_many_tags_unfold():
    scores = {"plus": prediction({"dog": 0.9}, descriptions=51)}
    text = Outline(markup.categories(Categories(("dog",)), scores, LABELS)).text
    assert f"{51 - markup.SHOWN_DESCRIPTIONS} more, together " in " ".join(text)
    many = prediction({f"tag {i}": 0.9 for i in range(40)})
    outline = Outline(markup.tags(tagged(many)))
    assert len(outline.rows()) == 40
    assert f"{40 - markup.SHOWN_TAGS} more" in outline.text


def test_a_photo_without_tags_over_the_threshold_says_so():
    assert "No tag" in Outline(markup.tags(tagged(prediction({"dog": 0.1})))).text


def test_sentences_without_scores_yet_are_listed_as_they_come():
    typed = Categories(("corgi", "kite"), {"corgi": (DescribedSentence("short legs", "lexicon"),)})
    text = Outline(markup.categories(typed, {}, LABELS)).text
    assert text == [
        "corgi", "describing…", "short legs", "1 sentence by lexicon", "Why, and edit", "kite", "waiting…",
        "Why, and edit",
    ]  # fmt: skip


def test_scored_categories_show_every_model_and_the_weights_of_the_first():
    told = {"corgi": (DescribedSentence("corgi, sentence 0", "openai"), DescribedSentence("more", "lexicon"))}
    scores = {"plus": prediction({"corgi": 0.9}), "plain": prediction({"corgi": 0.25}, descriptions=1)}
    underway = Outline(markup.categories(Categories(("corgi",), told), scores, LABELS)).text
    assert underway[1:6] == ["RAM++", "0.90", "RAM", "0.25", "describing…"]
    ended = Categories(("corgi",), told, finished=frozenset(["corgi"]))
    text = Outline(markup.categories(ended, scores, LABELS)).text
    assert "describing…" not in text
    assert text[:5] == ["corgi", "RAM++", "0.90", "RAM", "0.25"]
    assert "67%" in text
    assert "2 sentences by openai and lexicon" in text


@pytest.mark.parametrize(
    "html",
    [
        lambda: markup.tags(tagged(prediction({HOSTILE: 0.9, HOSTILE + "2": 0.1}))),
        lambda: markup.categories(
            Categories((HOSTILE,), {HOSTILE: (DescribedSentence(HOSTILE, HOSTILE),)}), {}, LABELS
        ),
        lambda: markup.categories(Categories((HOSTILE,)), {"plus": prediction({HOSTILE: 0.9})}, LABELS),
        lambda: markup.comparison({"plus": prediction({HOSTILE: 0.9})}, LABELS),
        lambda: markup.notice([HOSTILE]),
        lambda: markup.header({HOSTILE: HOSTILE}, 3),
        lambda: markup.shared(HOSTILE, HOSTILE),
    ],
)
def test_no_text_becomes_markup(html):
    outline = Outline(html())
    assert "img" not in {tag for tag, _ in outline.elements}
    assert not any(name.startswith("on") for _, attributes in outline.elements for name in attributes)
    assert any("<img src=x" in text for text in outline.text)


def test_the_comparison_can_be_heard_too():
    scores = {"plus": prediction({"corgi": 0.9}), "plain": prediction({"corgi": 0.25})}
    ((_, figure),) = [found for found in Outline(markup.comparison(scores, LABELS)).elements if found[0] == "figure"]
    assert "corgi: RAM++ 0.90, RAM 0.25" in figure["aria-label"]
    assert markup.comparison({}, LABELS) == ""


def test_notices_say_each_thing_once():
    assert Outline(markup.notice(["One.", "Two.", "One."])).text == ["One.", "Two."]
    assert markup.notice([]) == ""


def test_examples_are_named_and_credited(tmp_path):
    Image.new("RGB", (60, 30)).save(tmp_path / "bee.jpg")
    Image.new("RGB", (60, 30)).save(tmp_path / "old_well.png")
    (tmp_path / "notes.txt").write_text("no photo")
    (tmp_path / "SOURCES.md").write_text(
        "| file | picture | author | licence | found in | original |\n|---|---|---|---|---|---|\n"
        "| `bee.jpg` | A bee (close) | Ann | [CC0 1.0](https://a.example/cc0) | x | [Site](https://b.example/bee) |\n"
    )
    Image.new("RGB", (60, 30)).save(tmp_path / "apple.png")
    bee, apple, well = list_examples(tmp_path)  # in the table's order, then by name
    assert apple.title == "Apple"
    assert bee == Example(tmp_path / "bee.jpg", "A bee", "Ann", "CC0 1.0", "https://b.example/bee")
    assert bee.credit == "A bee: Ann, CC0 1.0"
    assert (well.title, well.credit) == ("Old well", "Old well")
    outline = Outline(markup.examples([bee, well]))
    assert [a["data-name"] for tag, a in outline.elements if tag == "button"] == ["bee.jpg", "old_well.png"]
    assert [a["alt"] for tag, a in outline.elements if tag == "img"] == ["A bee", "Old well"]
    assert [a["href"] for tag, a in outline.elements if tag == "a"] == ["https://b.example/bee"]


def test_a_small_model_says_what_it_knows_and_names_a_larger_one_that_exists():
    said = " ".join(Outline(markup.scope(True)).text)
    assert "people and dogs" in said and f"--model {markup.LARGE}" in said
    assert markup.LARGE in list_models() and markup.scope(False) == ""


def test_no_folder_of_examples_is_no_problem(tmp_path):
    assert list_examples(tmp_path / "none") == []
    assert markup.examples([]) == ""
