"""The comparison figure shows every model's score of every category, and survives any text."""

import numpy as np
import pytest
from matplotlib.patches import Rectangle
from PIL import Image

from ram.figures import comparison_figure
from ram.prediction import Prediction
from ram.text.vocabulary import TagVocabulary


def prediction(probabilities, sentences=("a small dog", "one with short legs"), tags=("corgi", "kite")):
    return Prediction(
        TagVocabulary.of(tags, 0.5),
        [sentences] * len(tags),
        np.array(probabilities, np.float32),
        np.array([[0.25, 0.75]] * len(tags), np.float32)[:, : len(sentences)],
    )


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_bars_have_the_length_of_their_probability():
    figure = comparison_figure({"ram": prediction([0.25, 0.5]), "ram-plus": prediction([0.75, 1.0])})
    boxes = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    tracks, bars = boxes[0::2], boxes[1::2]
    shares = [bar.get_width() / track.get_width() for bar, track in zip(bars, tracks, strict=True)]
    assert shares == pytest.approx([0.25, 0.75, 0.5, 1.0])
    assert [bar.get_alpha() == 1 for bar in bars] == [False, True, False, True]


def test_names_values_and_the_heaviest_description_are_written():
    shown = texts(comparison_figure({"ram": prediction([0.25, 0.5]), "ram-plus": prediction([0.75, 1.0])}))
    assert {"corgi", "kite", "ram", "ram-plus", "0.25", "0.75", "0.50", "1.00"} <= set(shown)
    assert shown.count("75%  one with short legs") == 4 and not any("a small dog" in line for line in shown)


def test_a_long_description_takes_two_lines():
    figure = comparison_figure({"ram": prediction([0.5, 0.5], ["word " * 100])})
    lines = [line for line in texts(figure) if "word" in line]
    assert len(lines) == 4 and lines[1].endswith("…") and max(map(len, lines)) <= 72


def test_text_is_never_read_as_mathematics(tmp_path):
    strange = prediction([0.5, 0.5], ["$\\frac{1}$ and {x}"], ("50$ note $", "\\alpha_{"))
    comparison_figure({"$m$": strange}).savefig(tmp_path / "figure.svg")
    assert (tmp_path / "figure.svg").stat().st_size > 1000


@pytest.mark.parametrize("size", [(60, 20), (20, 60)])
def test_the_picture_stands_on_the_left_in_its_own_shape(size):
    picture = Image.new("RGB", size, "red")
    figure = comparison_figure({"ram": prediction([0.5, 0.5])}, picture)
    left, right, bottom, top = figure.axes[0].images[0].get_extent()
    assert (right - left) / (bottom - top) == pytest.approx(size[0] / size[1])
    assert right < min(text.get_position()[0] for text in figure.axes[0].texts)
    assert figure.get_figheight() > bottom - top


def test_different_categories_cannot_be_compared():
    with pytest.raises(ValueError, match="same categories"):
        comparison_figure({"a": prediction([0.5, 0.5]), "b": prediction([0.5], tags=("corgi",))})
    with pytest.raises(ValueError, match="at least one"):
        comparison_figure({})
