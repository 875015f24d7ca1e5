"""The panel of reasons says what the explanation says, and nothing typed becomes mark-up."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from demo.core.categories import Categories
from demo.views.why_markup import Why, heat_map, nothing, why
from ram.describers.fallback import DescribedSentence
from ram.prediction import Explanation, TagScore
from tests.demo.views.test_markup import HOSTILE, Outline

SENTENCES = ("a photo of a dog.", "four legs", "a wet nose")


def told(tag="dog", texts=SENTENCES, off=()):
    sentences = {tag: tuple(DescribedSentence(text, "lexicon") for text in texts)}
    return Categories((tag,), sentences, off={tag: frozenset(off)})


def explanation(tag="dog", weights=(0.2, 0.7, 0.1), without=(0.6, 0.3, 0.9)):
    attention = np.zeros((3, 3))
    attention[0, 2] = 0.9
    return Explanation(TagScore(tag, 0.6, 0.5), np.array(weights), np.array(without), attention, 0.1)


def jpeg():
    kept = io.BytesIO()
    Image.new("RGB", (60, 40)).save(kept, "JPEG")
    return kept.getvalue()


def shown(**options):
    return Outline(why(Why("dog", told(), explanation(), **options)))


def test_the_verdict_and_what_edits_did_to_it():
    assert "over its threshold of 0.50." in shown().text
    assert "over its threshold of 0.50. It was 0.80 before your edits." in shown(before=0.8).text
    assert "over its threshold of 0.50." in shown(before=0.6).text


def test_each_sentence_has_its_weight_and_the_probability_without_it():
    text = shown().text
    rows = text[text.index(SENTENCES[0]) :]
    assert rows[1:3] == ["weight", "20%"] and rows[3:5] == ["probability without it", "0.60"]
    second = rows[rows.index("four legs") :]
    assert second[2] == "70%" and second[4:6] == ["▼", "0.30"]
    third = rows[rows.index("a wet nose") :]
    assert third[2] == "10%" and third[4:6] == ["▲", "0.90"]


def test_what_is_shown_as_the_same_probability_neither_falls_nor_rises():
    page = Outline(why(Why("dog", told(), explanation(without=(0.5951, 0.6049, 0.5949)))))
    assert [mark for mark in page.text if mark in "▼▲"] == ["▼"]  # 0.60 and 0.60, and 0.59


def test_the_sentences_can_be_taken_home_with_all_figures():
    used = explanation(weights=(0.4, 0.6), without=(0.5, 0.7))
    page = Outline(why(Why("dog", told(off=["four legs"]), used, order=(2, 1, 0))))
    links = {a["download"]: a["href"] for tag, a in page.elements if tag == "a"}
    rows = json.loads(base64.b64decode(links["sentences of dog.json"].partition(",")[2]))
    figures = {row["sentence"]: (row["used"], row["weight"], row["probability without it"]) for row in rows}
    assert list(figures) == ["a wet nose", "four legs", "a photo of a dog."]  # as on the page
    assert figures == {
        "a photo of a dog.": (True, 0.4, 0.5), "four legs": (False, None, None), "a wet nose": (True, 0.6, 0.7),
    }  # fmt: skip
    assert {(row["tag"], row["by"]) for row in rows} == {("dog", "lexicon")}
    csv = base64.b64decode(links["sentences of dog.csv"].partition(",")[2]).decode()
    assert csv.splitlines()[2] == "dog,four legs,lexicon,False,,,"


def test_sentences_keep_the_order_of_the_first_look_and_new_ones_follow():
    outline = Outline(why(Why("dog", told(texts=(*SENTENCES, "added")), None, order=(1, 0, 2))))
    places = [a["data-place"] for tag, a in outline.elements if tag == "textarea"]
    assert places == ["1", "0", "2", "3"]


def test_a_sentence_that_is_off_stays_to_be_switched_on_again():
    page = Outline(why(Why("dog", told(off=["four legs"]), explanation(weights=(0.4, 0.6), without=(0.5, 0.7)))))
    boxes = [("checked" in a, a["aria-label"]) for tag, a in page.elements if a.get("type") == "checkbox"]
    assert boxes == [(True, "Use “a photo of a dog.”"), (False, "Use “four legs”"), (True, "Use “a wet nose”")]
    assert "off" in page.text and "60%" in page.text[page.text.index("a wet nose") :]


def test_without_a_photo_there_are_sentences_and_no_figures():
    text = Outline(why(Why("dog", told()))).text
    assert set(SENTENCES) <= set(text) and not any("%" in one for one in text)
    assert "Select a tag to see what spoke for it." in Outline(nothing()).text


def test_the_heat_map_can_be_heard():
    outline = shown(shown=jpeg())
    (heard,) = [a["aria-label"] for tag, a in outline.elements if tag == "svg"]
    assert heard == "Attention of “dog” over the photo: most at the top right"
    layers = [(a["width"], a["height"]) for tag, a in outline.elements if tag == "image"]
    assert layers == [("60", "40")] * 2  # one over the other
    assert any("10% of it went to the photo as a whole" in " ".join(one.split()) for one in outline.text)


def test_the_heat_map_lights_up_where_the_attention_is():
    attention = np.zeros((3, 3))
    attention[0, 2] = 1
    with Image.open(io.BytesIO(base64.b64decode(heat_map(attention).partition(",")[2]))) as drawn:
        light = np.asarray(drawn.convert("RGB"), float).sum(-1)
        veil = np.asarray(drawn)[..., 3]
    third = len(light) // 3
    assert light[:third, -third:].mean() > 2 * light[third:, :].mean()
    assert veil[:third, -third:].mean() < veil[-third:, :third].mean()


@pytest.mark.parametrize("attention", [np.zeros((2, 2)), np.full((4, 4), 0.1)])
def test_even_attention_is_an_even_veil(attention):
    with Image.open(io.BytesIO(base64.b64decode(heat_map(attention).partition(",")[2]))) as drawn:
        assert len(drawn.getcolors()) == 1


def test_no_text_becomes_markup():
    outline = Outline(why(Why(HOSTILE, told(HOSTILE, (HOSTILE,)), explanation(HOSTILE, (1.0,), ()), shown=jpeg())))
    assert [a["href"][:5] for tag, a in outline.elements if tag == "image"] == ["data:", "data:"]
    assert not any(name.startswith("on") for _, attributes in outline.elements for name in attributes)
    assert any("<img src=x" in text for text in outline.text)
