"""A picture card carries what the browser draws: a fitted photo, the first tags and the last line."""

import base64
import io
import json

import pytest
from PIL import Image

from demo.views.picture_card import HEIGHT, SHOWN, WIDTH, picture_card
from ram.prediction import TagScore, WeightedDescription
from tests.demo.views.outline import HOSTILE, Outline


def score(tag, probability=0.9, text="what one sees"):
    return TagScore(tag, probability, 0.5, (WeightedDescription(text, 1.0),))


def parts(scores, size=(400, 300)):
    """The photo, the rows and the text of a card."""
    outline = Outline(picture_card(Image.new("RGB", size, "red"), scores, "tiny"))
    (card,) = (attributes for _, attributes in outline.elements if "data-rows" in attributes)
    (source,) = (attributes["src"] for name, attributes in outline.elements if name == "img")
    with Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) as photo:
        photo.load()
    return photo, json.loads(card["data-rows"]), " ".join(outline.text)


def test_a_row_has_verdict_probability_and_reason():
    photo, rows, text = parts([score("猫", text="a cat, 'seen' <here>"), score("cat", 0.2)])
    assert photo.size == (400, 300)
    first = {"tag": "猫", "verdict": "sure", "present": True, "probability": 0.9, "reason": "a cat, 'seen' <here>"}
    assert rows[0] == first and rows[1]["present"] is False
    assert "Tagged by tiny" in text


def test_no_name_becomes_markup():
    _, rows, _ = parts([score(HOSTILE, text=HOSTILE)])
    assert rows[0]["tag"] == rows[0]["reason"] == HOSTILE


def test_only_the_first_tags_are_on_it():
    _, rows, _ = parts([score(f"tag {index}") for index in range(SHOWN + 5)])
    assert [row["tag"] for row in rows] == [f"tag {index}" for index in range(SHOWN)]
    assert "found no tag" in parts([])[2]


@pytest.mark.parametrize("size", [(4000, 100), (100, 4000), (1, 1)])
def test_photos_of_any_shape_fit(size):
    photo, _, _ = parts([], size)
    assert photo.width <= WIDTH and photo.height <= HEIGHT
