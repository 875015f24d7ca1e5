"""The Why panel shows the explanation, and no text becomes markup."""

import base64
import io
import json
import math
import re

import numpy as np
import pytest
from PIL import Image

from demo.core.categories import BY_VISITOR, Categories
from demo.views.heat import overlay
from demo.views.why import Why, decision, nothing, why
from ram.describers.fallback import DescribedSentence
from ram.prediction import Evidence, Explanation, TagScore
from ram.regions.occlusion import OcclusionMap
from ram.regions.region import Box
from tests.demo.views.outline import HOSTILE, Outline

SENTENCES = ("a brown coat", "four legs", "a wet nose")


def told(tag="dog", texts=SENTENCES, off=()):
    sentences = {tag: tuple(DescribedSentence(text, "lexicon") for text in texts)}
    return Categories((tag,), sentences, disabled={tag: frozenset(off)})


def explanation(tag="dog", weights=(0.2, 0.7, 0.1), without=(0.6, 0.3, 0.9), terms=()):
    score = TagScore(tag, 0.6, 0.5, evidence=Evidence(terms, 0.5) if terms else None)
    return Explanation(score, np.array(weights), np.array(without), np.full((3, 3), 0.1), 0.1, np.zeros((3, 3)))


def occlusion(greatest=0.9):
    """A map that is brightest at the top right."""
    effects = np.full((3, 3), -0.1)
    effects[0, 2] = min(greatest, 0.6)
    return OcclusionMap(effects, greatest)


def jpeg():
    kept = io.BytesIO()
    Image.new("RGB", (60, 40)).save(kept, "JPEG")
    return kept.getvalue()


def shown(**options):
    return Outline(why(Why("dog", told(), explanation(), **options)))


def test_the_verdict_names_the_probability_before_edits():
    assert "over its threshold of 0.50." in shown().text
    assert "over its threshold of 0.50. It was 0.80 before your edits." in shown(before=0.8).text
    assert "over its threshold of 0.50." in shown(before=0.6).text


def test_sentences_show_weight_and_probability_without_them():
    text = shown().text
    rows = text[text.index(SENTENCES[0]) :]
    assert rows[1:3] == ["weight", "20%"] and rows[3:5] == ["probability without it", "0.60"]
    second = rows[rows.index("four legs") :]
    assert second[2] == "70%" and second[4:6] == ["▼", "0.30"]
    third = rows[rows.index("a wet nose") :]
    assert third[2] == "10%" and third[4:6] == ["▲", "0.90"]


def test_equal_rounded_probabilities_show_no_change():
    page = Outline(why(Why("dog", told(), explanation(without=(0.5951, 0.6049, 0.5949)))))
    assert [mark for mark in page.text if mark in "▼▲"] == ["▼"]  # rounded: 0.60, 0.60 and 0.59


def test_sentences_can_be_downloaded_with_all_figures():
    used = explanation(weights=(0.4, 0.6), without=(0.5, 0.7))
    page = Outline(why(Why("dog", told(off=["four legs"]), used, order=(2, 1, 0))))
    links = {a["download"]: a["href"] for tag, a in page.elements if tag == "a"}
    rows = json.loads(base64.b64decode(links["sentences of dog.json"].partition(",")[2]))
    figures = {row["sentence"]: (row["used"], row["weight"], row["probability without it"]) for row in rows}
    assert list(figures) == ["a wet nose", "four legs", "a brown coat"]  # in the order of the page
    assert figures == {
        "a brown coat": (True, 0.4, 0.5), "four legs": (False, None, None), "a wet nose": (True, 0.6, 0.7),
    }  # fmt: skip
    assert {(row["tag"], row["by"]) for row in rows} == {("dog", "lexicon")}
    csv = base64.b64decode(links["sentences of dog.csv"].partition(",")[2]).decode()
    assert csv.splitlines()[2] == "dog,four legs,lexicon,False,,,"


def test_sentences_keep_their_order_and_new_ones_follow():
    outline = Outline(why(Why("dog", told(texts=(*SENTENCES, "added")), None, order=(1, 0, 2))))
    places = [a["data-index"] for tag, a in outline.elements if tag == "textarea"]
    assert places == ["1", "0", "2", "3"]


def test_a_disabled_sentence_stays_in_the_list():
    page = Outline(why(Why("dog", told(off=["four legs"]), explanation(weights=(0.4, 0.6), without=(0.5, 0.7)))))
    boxes = [("checked" in a, a["aria-label"]) for tag, a in page.elements if a.get("type") == "checkbox"]
    assert boxes == [(True, "Use “a brown coat”"), (False, "Use “four legs”"), (True, "Use “a wet nose”")]
    assert "off" in page.text and "60%" in page.text[page.text.index("a wet nose") :]


NAMED = ("four legs", "a photo of a dog.", "there is a dog.", "a wet nose")
"""Two sentences that show the dog and two that only name it."""


def named(unnamed=0.42, off=(), texts=NAMED, origin="lexicon", weights=(0.3, 0.25, 0.3, 0.15)):
    sentences = {"dog": tuple(DescribedSentence(text, origin) for text in texts)}
    categories = Categories(("dog",), sentences, disabled={"dog": frozenset(off)})
    figures = explanation(weights=weights, without=[0.5] * len(weights))
    return Outline(why(Why("dog", categories, figures, unnamed=unnamed)))


def summary(page):
    """The line of folded sentences, as text."""
    start = page.text.index("By name")
    return page.text[start : page.text.index("0.42", start) + 1]


def test_sentences_that_only_name_the_tag_are_one_line():
    page = named()
    shown = [a for tag, a in page.elements if tag == "details"]
    assert [(a["class"], "open" in a) for a in shown] == [("by-name", False)]
    line = summary(page)
    assert line[1] == "2 sentences that only say “dog”"
    assert line[-5:] == ["weight", "55%", "probability without them", "▼", "0.42"]
    order = [a["data-index"] for tag, a in page.elements if tag == "textarea"]
    assert order == ["0", "3", "1", "2"]  # the folded ones last, and all of them still to be edited


def test_weights_of_the_lines_add_up_as_before():
    page = named()
    start = page.text.index("By name")
    lines = [*page.text[:start], *summary(page)]
    percents = [int(text.rstrip("%")) for text in lines if text.endswith("%")]
    assert percents == [30, 15, 55] and sum(percents) == 100


def test_switched_off_names_have_no_part_in_the_sum():
    weights = (0.4, 0.35, 0.25)  # of the three in use
    assert "2 sentences that only say “dog”, 1 off" in named(off=["a photo of a dog."], weights=weights).text
    line = summary(named(off=["a photo of a dog."], weights=weights))
    assert "35%" in line


def test_no_probability_is_invented_for_folded_sentences():
    page = named(unnamed=None)
    start = page.text.index("By name")
    assert page.text[start + 2 : start + 5] == ["weight", "55%", "–"]


def test_sentences_of_a_visitor_or_without_others_are_not_folded():
    assert "By name" not in named(origin=BY_VISITOR).text
    assert "By name" not in named(texts=NAMED[1:3], weights=(0.5, 0.5)).text


def test_folded_sentences_are_still_exported():
    links = {a["download"]: a["href"] for tag, a in named().elements if tag == "a"}
    rows = json.loads(base64.b64decode(links["sentences of dog.json"].partition(",")[2]))
    assert [(row["sentence"], row["weight"]) for row in rows] == list(zip(NAMED, (0.3, 0.25, 0.3, 0.15), strict=True))


def test_without_a_photo_sentences_have_no_figures():
    text = Outline(why(Why("dog", told()))).text
    assert set(SENTENCES) <= set(text) and not any("%" in one for one in text)
    assert "Select a tag to see what its score is made of." in Outline(nothing()).text


def test_the_heat_map_has_a_text_for_screen_readers():
    outline = shown(photo=jpeg(), heat=occlusion())
    (heard,) = [a["aria-label"] for tag, a in outline.elements if tag == "svg"]
    assert heard == "What speaks for “dog” in the photo: most at the top right"
    layers = [(a["width"], a["height"]) for tag, a in outline.elements if tag == "image"]
    assert layers == [("60", "40")] * 2  # photo and heat map


def test_the_caption_says_what_the_score_is_without_a_part():
    corgi = explanation("corgi", terms=CORGI)  # logit 0.51
    text = Outline(why(Why("corgi", told("corgi"), corgi, photo=jpeg(), heat=occlusion(1.31)))).text
    (caption,) = [one for one in text if one.startswith("Parts of three sizes")]
    without = 1 / (1 + math.exp(1.31 - 0.51))
    assert caption.endswith(f"the logit falls by 1.31 and the probability is {without:.2f}.") and "“corgi”" in caption
    saturated = explanation(terms=(("decoder", 40.0),))
    text = Outline(why(Why("dog", told(), saturated, photo=jpeg(), heat=occlusion(39.0)))).text
    assert any(one.endswith("the logit falls by 39.00 and the probability is 0.73.") for one in text)


def test_a_map_that_is_being_drawn_shows_the_photo_alone():
    outline = shown(photo=jpeg(), drawing=True)
    assert len([a for tag, a in outline.elements if tag == "image"]) == 1
    assert "The heat map is being drawn…" in outline.text and "Show a box" not in outline.text
    assert not [a for tag, a in shown(photo=jpeg()).elements if tag == "svg"]


def test_a_map_on_which_nothing_speaks_for_the_tag_says_so():
    outline = shown(photo=jpeg(), heat=occlusion(-0.2))
    (heard,) = [a["aria-label"] for tag, a in outline.elements if tag == "svg"]
    assert heard == "What speaks for “dog” in the photo: nowhere"
    assert any(text.endswith("the score of “dog” never fell.") for text in outline.text)


def test_the_heat_map_is_bright_where_patches_raise_the_score():
    effects = np.full((3, 3), -2.0)
    effects[0, 2] = 1
    with Image.open(io.BytesIO(base64.b64decode(overlay(effects).partition(",")[2]))) as drawn:
        light = np.asarray(drawn.convert("RGB"), float).sum(-1)
        veil = np.asarray(drawn)[..., 3]
    third = len(light) // 3
    assert light[:third, -third:].mean() > 2 * light[third:, :].mean()
    assert veil[:third, -third:].mean() < veil[-third:, :third].mean()


@pytest.mark.parametrize("effects", [np.zeros((2, 2)), np.full((4, 4), 0.1), np.array([[-1.0, -2.0]])])
def test_uniform_or_negative_effects_give_a_uniform_map(effects):
    with Image.open(io.BytesIO(base64.b64decode(overlay(effects).partition(",")[2]))) as drawn:
        assert len(drawn.getcolors()) == 1


def test_no_text_becomes_markup():
    given = HOSTILE, told(HOSTILE, (HOSTILE,)), explanation(HOSTILE, (1.0,), ())
    outline = Outline(why(Why(*given, photo=jpeg(), heat=occlusion())))
    assert [a["href"][:5] for tag, a in outline.elements if tag == "image"] == ["data:", "data:"]
    assert not any(name.startswith("on") for _, attributes in outline.elements for name in attributes)
    assert any("<img src=x" in text for text in outline.text)


CORGI = (("decoder", -2.94), ("pooled", 0.2), ("classifier", 3.25))
"""Terms of a score that the classifier decides: the decoder alone gives 0.05, all together 0.62."""
BEACH = (("decoder", -2.94), ("pooled", 3.45), ("classifier", -0.1))
"""Terms of a score that the whole photo decides."""


def test_the_terms_of_the_score_are_one_stacked_bar():
    page = Outline(why(Why("beach", told("beach"), explanation("beach", terms=BEACH))))
    bar = [a for tag, a in page.elements if tag == "i" and "data-term" in a]
    assert [(a["data-term"], a["class"]) for a in bar] == [
        ("decoder", "against"), ("classifier", "against"), ("pooled", "for decisive"),
    ]  # fmt: skip
    widths = [float(a["style"].removeprefix("width:").rstrip("%")) for a in bar]
    assert sum(widths) == pytest.approx(100, abs=0.3)
    assert widths[0] == pytest.approx(100 * 2.94 / 6.49, abs=0.1)
    (spoken,) = [a["aria-label"] for _, a in page.elements if a.get("class") == "stack"]
    assert spoken == "Terms of the logit: Decoder −2.94; Whole photo +3.45; Classifier −0.10; Sum +0.41"
    assert {"Decoder", "Whole photo", "Classifier", "Sum"} <= set(page.text)


@pytest.mark.parametrize(
    ("terms", "probability", "sentence"),
    [
        (CORGI, 0.62, "The classifier decided: without it the probability would be 0.06."),
        ((("decoder", 1.5), ("classifier", 0.3)), 0.86, "The decoder decided: on its own it gives 0.82."),
        (
            (("decoder", 0.4), ("pooled", -3.0)),
            0.07,
            "The whole photo decided: without it the probability would be 0.60.",
        ),
        ((("decoder", 1.5),), 0.82, "The score comes from the decoder alone."),
    ],
)
def test_a_sentence_says_which_term_decided(terms, probability, sentence):
    evidence = Evidence(terms, 0.5)
    assert decision(TagScore("corgi", probability, 0.5, evidence=evidence), evidence) == sentence


def test_one_term_alone_needs_no_bar():
    page = Outline(why(Why("dog", told(), explanation(terms=(("decoder", 0.4),)))))
    assert "The score comes from the decoder alone." in page.text
    assert not [a for _, a in page.elements if "data-term" in a]


def test_a_box_is_drawn_where_one_is_asked_for():
    box = Box(0.25, 0.5, 0.75, 1)
    drawn = why(Why("dog", told(), explanation(), photo=jpeg(), heat=occlusion(), box=box))
    (rectangle,) = re.findall(r"<rect [^>]*>", drawn)
    x, y, width, height = (float(value) for value in re.findall(r"\s(?:x|y|width|height)=\"([^\"]+)\"", rectangle))
    whole = [float(side) for side in re.search(r'viewBox="0 0 (\d+) (\d+)"', drawn).groups()]
    assert [x / whole[0], y / whole[1], (x + width) / whole[0], (y + height) / whole[1]] == pytest.approx(box)
    assert "Hide the box" in drawn and 'aria-pressed="true"' in drawn and "rough guess" in drawn
    without = why(Why("dog", told(), explanation(), photo=jpeg(), heat=occlusion()))
    assert "<rect class=" not in without and "Show a box" in without and 'aria-pressed="false"' in without
    assert "rough guess" not in without
