"""Rows, cards and plot of typed categories show the values, and no text becomes markup."""

import json

import pytest

from demo.core.categories import BY_VISITOR, Categories
from demo.views import page, typed
from demo.views.typed import typed_categories
from ram.describers.base import Sense
from ram.describers.fallback import DescribedSentence
from tests.demo.views.outline import HOSTILE, Outline
from tests.demo.views.predictions import prediction

LABELS = {"plus": "RAM++", "plain": "RAM"}
BOTH = {"plus": prediction({"corgi": 0.9}), "plain": prediction({"corgi": 0.25}, descriptions=1)}


def rows(categories, scores, **options):
    return Outline(typed.rows(typed_categories(categories, scores, LABELS, **options), LABELS))


def cards(categories, scores, **options):
    return Outline(typed.cards(typed_categories(categories, scores, LABELS, **options)))


def test_a_row_has_a_verdict_both_models_and_the_heaviest_sentence():
    ended = Categories(("corgi",), {"corgi": (DescribedSentence("corgi, sentence 0", "lexicon"),)}, finished={"corgi"})
    outline = rows(ended, BOTH)
    words = outline.text
    expected = ["sure", "corgi", "0.90", "corgi, sentence 1", "RAM++", "0.90", "RAM", "0.25"]
    assert words[words.index("sure") :] == expected
    marks = {a["data-model"]: a["style"] for _, a in outline.elements if "mark" == a.get("class") and "style" in a}
    assert marks == {"0": "left:90.0%", "1": "left:25.0%"}
    assert words[1:4] == ["RAM++", "RAM", "threshold"]  # the legend
    (told,) = [a["data-announce"] for _, a in outline.elements if "data-announce" in a]
    assert told == "corgi: RAM++ 0.90, RAM 0.25"


def test_a_row_without_a_score_says_what_it_waits_for():
    underway = Categories(("corgi", "kite"), {"corgi": (DescribedSentence("short legs", "lexicon"),)})
    outline = rows(underway, {})
    assert outline.text == ["What you typed", "corgi", "describing…", "short legs", "kite", "waiting…"]
    buttons = {a["data-tag"]: "disabled" in a for tag, a in outline.elements if tag == "button"}
    assert buttons == {"corgi": False, "kite": True}
    assert not [a for _, a in outline.elements if "data-announce" in a]


def test_a_predefined_tag_is_judged_by_its_own_sentences():
    own = prediction({"cat": 0.01})["cat"]
    outline = rows(Categories(("cat",), finished={"cat"}), {"plus": prediction({"cat": 0.75})}, listed={"cat": own})
    assert outline.rows() == ["cat"]
    words = outline.text
    assert words[words.index("unlikely") :][:3] == ["unlikely", "cat", "0.01"]
    assert "by the sentences that the model was trained with; by these:" in words and words[-2:] == ["RAM++", "0.75"]
    assert not [a for _, a in outline.elements if "data-present" in a]


def test_meanings_are_offered_and_edits_are_marked():
    written = (DescribedSentence("mine", BY_VISITOR), DescribedSentence("a bird", "lexicon"))
    known = Categories(("kite",), {"kite": written}, finished={"kite"}, senses={"kite": "a bird of prey"})
    meanings = {"kite": (Sense("bird", "a bird of prey"), Sense("toy", "a frame; flown in the wind"))}
    outline = rows(known, {"plus": prediction({"kite": 0.9})}, meanings=meanings)
    options = {a["value"]: "selected" in a for tag, a in outline.elements if tag == "option"}
    assert options == {"": False, "a bird of prey": True, "a frame; flown in the wind": False}
    assert outline.text.count("edited") == 1


def test_the_button_names_the_models():
    assert Outline(typed.asker(LABELS, False)).text == ["Compare RAM++ and RAM in a plot"]
    hide = Outline(typed.asker(LABELS, True))
    assert [a["aria-expanded"] for tag, a in hide.elements if tag == "button"] == ["true"]
    assert Outline(typed.asker({"plus": "RAM++"}, False)).text == ["Show a plot and all sentences"]


def test_what_is_spoken_of_a_tag_has_its_key():
    scores = {"plus": prediction({"dog": 0.9, "grok": 0.8}), "plain": prediction({"dog": 0.25, "grok": 0.5})}
    outline = rows(Categories(("dog", "grok"), finished={"dog", "grok"}), scores)
    (told,) = [a for _, a in outline.elements if "data-announce" in a]
    assert told["data-announce"] == "dog: RAM++ 0.90, RAM 0.25; grok: RAM++ 0.80, RAM 0.50"
    key, values = json.loads(told["data-say-data-announce"])
    assert key == "spoken_list"
    assert values["first"][1]["label"] == ["tag:dog", {}] and values["rest"][1]["label"] == "grok"
    (figure,) = [a for tag, a in Outline(typed.plot(scores, LABELS)).elements if tag == "figure"]
    assert json.loads(figure["data-say-aria-label"])[1]["spoken"] == [key, values]


def test_a_suggestion_shows_the_name_and_types_the_tag():
    html = typed.suggestions(["puppy"])
    assert 'data-suggest="puppy"' in html and "tag:puppy" in html


def test_suggestions_are_buttons():
    outline = Outline(typed.suggestions(["corgi", HOSTILE]))
    assert [a["data-suggest"] for tag, a in outline.elements if tag == "button"] == ["corgi", HOSTILE]
    assert typed.suggestions([]) == ""


def test_descriptions_are_ordered_by_weight():
    text = cards(Categories(("dog",)), {"plus": prediction({"dog": 0.9}, descriptions=3)}).text
    told = text[text.index("dog, sentence 2") :]
    assert told[:6] == ["dog, sentence 2", "50%", "dog, sentence 1", "33%", "dog, sentence 0", "17%"]


def test_long_lists_of_sentences_are_folded():
    text = cards(Categories(("dog",)), {"plus": prediction({"dog": 0.9}, descriptions=51)}).text
    assert f"{51 - typed.SHOWN_DESCRIPTIONS} more, together " in " ".join(text)


def test_cards_list_sentences_before_they_are_scored():
    underway = Categories(("corgi", "kite"), {"corgi": (DescribedSentence("short legs", "lexicon"),)})
    assert cards(underway, {}).text == [
        "corgi", "describing…", "short legs", "1 sentence by lexicon", "Why, and edit", "kite", "waiting…",
        "Why, and edit",
    ]  # fmt: skip


def test_cards_show_every_model_and_the_main_models_weights():
    told = {"corgi": (DescribedSentence("corgi, sentence 0", "openai"), DescribedSentence("more", "lexicon"))}
    underway = cards(Categories(("corgi",), told), BOTH).text
    assert underway[1:6] == ["RAM++", "0.90", "RAM", "0.25", "describing…"]
    text = cards(Categories(("corgi",), told, finished=frozenset(["corgi"])), BOTH).text
    assert "describing…" not in text
    assert text[:5] == ["corgi", "RAM++", "0.90", "RAM", "0.25"]
    assert "67%" in text
    assert "2 sentences by openai and lexicon" in text


def hostile(**options):
    sentences = {HOSTILE: (DescribedSentence(HOSTILE, HOSTILE),)}
    known = Categories((HOSTILE,), sentences, finished={HOSTILE})
    meanings = {HOSTILE: (Sense(HOSTILE, HOSTILE), Sense("other", "other"))}
    return typed_categories(known, options.get("scores", {}), LABELS, meanings)


@pytest.mark.parametrize(
    "html",
    [
        lambda: typed.rows(hostile(), LABELS, HOSTILE),
        lambda: typed.rows(hostile(scores={"plus": prediction({HOSTILE: 0.9})}), {"plus": HOSTILE}),
        lambda: typed.cards(hostile()),
        lambda: typed.cards(hostile(scores={"plus": prediction({HOSTILE: 0.9})})),
        lambda: typed.plot({"plus": prediction({HOSTILE: 0.9})}, LABELS),
        lambda: typed.suggestions([HOSTILE]),
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
    ((_, figure),) = [found for found in Outline(typed.plot(scores, LABELS)).elements if found[0] == "figure"]
    assert "corgi: RAM++ 0.90, RAM 0.25" in figure["aria-label"]
    assert json.loads(figure["data-say-aria-label"])[0] == "probabilities"
    assert typed.plot({}, LABELS) == ""
