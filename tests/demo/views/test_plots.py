"""The plots show the scores, and text in them stays text."""

import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from demo.views.plots import FAINT, comparison_figure, stacked_figure, to_svg
from ram.prediction import Prediction
from ram.text.vocabulary import TagVocabulary

LABELS = {"plus": "RAM++", "plain": "RAM"}
DRAWINGS = (comparison_figure, stacked_figure)


def prediction(probabilities, sentences, weights, threshold=0.5):
    """A prediction from probabilities by tag."""
    vocabulary = TagVocabulary.of(probabilities, threshold)
    return Prediction(vocabulary, sentences, np.array(list(probabilities.values())), np.array(weights))


def scores(tag="corgi", other="meteor shower"):
    plus = prediction(
        {tag: 0.91, other: 0.12},
        [(f"a photo of a {tag}.", "short legs"), ("light in the sky",)],
        [[0.25, 0.75], [1, 0]],
    )
    plain = prediction({tag: 0.3, other: 0.62}, [(f"a photo of a {tag}.",), ("a photo.",)], [[1], [1]])
    return {"plus": plus, "plain": plain}


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def part(svg, role):
    (found,) = [element for element in ET.fromstring(svg).iter() if element.get("id") == role]
    return found


def extent(svg, role):
    """(left, right) of a bar, read from its path."""
    across = [float(x) for x in re.findall(r"[ML] ([\d.]+)", part(svg, role)[0].get("d"))]
    return min(across), max(across)


@pytest.mark.parametrize("draw", DRAWINGS)
def test_plots_show_probabilities_and_heaviest_descriptions(draw):
    shown = texts(to_svg(draw(scores(), LABELS)))
    for expected in ("corgi", "meteor shower", "RAM++", "RAM", "0.91", "0.12", "0.30", "0.62"):
        assert expected in shown
    assert "75% · short legs" in shown
    assert "a photo of a corgi." in shown  # the only description of its model, so without a weight
    assert not any("25%" in text for text in shown)


@pytest.mark.parametrize("draw", DRAWINGS)
def test_bar_lengths_equal_the_probabilities(draw):
    svg = to_svg(draw(scores(), LABELS))
    for role, probability in (("0-0", 0.91), ("0-1", 0.12), ("1-0", 0.3), ("1-1", 0.62)):
        (left, right), (start, end) = extent(svg, f"model-{role}-bar"), extent(svg, f"track-{role}")
        assert left == pytest.approx(start)
        assert (right - left) / (end - start) == pytest.approx(probability, abs=0.005)


def test_bars_below_the_threshold_are_faint():
    svg = to_svg(comparison_figure(scores(), LABELS))
    assert f"opacity: {FAINT}" in part(svg, "model-0-1-bar")[0].get("style")
    assert "opacity" not in part(svg, "model-0-0-bar")[0].get("style")


@pytest.mark.parametrize("draw", DRAWINGS)
@pytest.mark.parametrize("hostile", [r"$\frac{1}{0}$ $", "<script>alert(1)</script>", "a & b ]]> --", "100% _^{}\\"])
def test_text_is_neither_parsed_as_mathematics_nor_markup(draw, hostile):
    svg = to_svg(draw(scores(tag=hostile), LABELS))
    assert hostile in texts(svg)
    assert "<script" not in svg


@pytest.mark.parametrize("draw", DRAWINGS)
def test_a_tag_is_drawn_with_its_key_and_another_word_without(draw):
    drawn = ET.fromstring(to_svg(draw(scores(tag="dog", other="meteor shower"), LABELS)))
    keys = {one.text: one.get("data-say") for one in drawn.iter("{http://www.w3.org/2000/svg}text")}
    assert json.loads(keys.pop("dog")) == ["tag:dog", {}]
    assert set(keys.values()) == {None} and "meteor shower" in keys


def test_long_names_and_descriptions_are_shortened():
    long = prediction({"w" * 300: 0.5}, [("many words " * 60,)], [[1]])
    shown = texts(to_svg(stacked_figure({"plus": long}, LABELS)))
    assert max(map(len, shown)) < 60
    assert sum(text.startswith("many words") for text in shown) <= 2
    assert any(text.endswith("…") for text in shown)


def test_the_svg_refers_to_nothing_outside():
    svg = to_svg(comparison_figure(scores(), LABELS))
    assert svg.startswith("<svg") and svg.endswith("</svg>")
    for outside in ("<style", "<metadata", "<script", "clip-path", "url("):
        assert outside not in svg


def test_parts_can_be_recoloured_by_role():
    ids = [element.get("id", "") for element in ET.fromstring(to_svg(comparison_figure(scores(), LABELS))).iter()]
    for role in ("ink-", "muted-", "track-", "tick-", "model-0-", "model-1-"):
        assert any(each.startswith(role) for each in ids)
    named = [each for each in ids if each]
    assert len(named) == len(set(named))


@pytest.mark.parametrize("draw", DRAWINGS)
def test_different_categories_cannot_be_compared(draw):
    other = prediction({"kite": 0.1}, [("a kite",)], [[1]])
    with pytest.raises(ValueError, match="same categories"):
        draw({**scores(), "plain": other}, LABELS)
    with pytest.raises(ValueError, match="same categories"):
        draw({}, LABELS)
