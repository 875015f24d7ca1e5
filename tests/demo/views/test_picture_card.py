"""A picture card holds the photo, and every text fits into it."""

import io

import numpy as np
import pytest
from PIL import Image

from demo.views import picture_card
from demo.views.picture_card import MARGIN, MAX_LINES, SHOWN, WIDTH, draw_card, wrap
from ram.prediction import TagScore, WeightedDescription

LONG = "pneumonoultramicroscopicsilicovolcanoconiosis" * 4


def score(tag, probability=0.9, text="what one sees"):
    return TagScore(tag, probability, 0.5, (WeightedDescription(text, 1.0),))


def drawn(scores, size=(400, 300), colour="red"):
    with Image.open(io.BytesIO(draw_card(Image.new("RGB", size, colour), scores, "tiny"))) as card:
        assert card.format == "PNG"
        return np.asarray(card.convert("RGB"))


def test_the_photo_is_on_the_card_and_tags_below_it():
    card = drawn([score("dog"), score("cat", 0.2)])
    assert card.shape[1] == WIDTH
    red = (card == (255, 0, 0)).all(axis=2)
    assert red.sum() == 400 * 300
    ink = (card.astype(int).sum(axis=2) < 300) & ~red
    assert ink.any() and ink.nonzero()[0].min() > red.nonzero()[0].max()
    assert len(drawn([score("dog")])) < len(card)


@pytest.mark.parametrize("tag", [LONG, "many words " * 30, "猫" * 60, "<b>&amp;", "", "a"])
def test_nothing_is_drawn_beyond_the_margins(tag):
    card = drawn([score(tag, text=tag)])
    assert (card[:, : MARGIN - 4] == 255).all() and (card[:, WIDTH - MARGIN + 4 :] == 255).all()


def test_long_words_are_broken_and_long_texts_cut():
    font = picture_card._font(20)
    lines = wrap(LONG, font, 300)
    assert len(lines) == MAX_LINES and lines[-1].endswith("…")
    assert all(font.getlength(line) <= 300 for line in lines)
    assert wrap("a dog", font, 300) == ["a dog"] and wrap("", font, 300) == []


def test_only_the_first_tags_are_drawn():
    many = [score(f"tag {index}") for index in range(SHOWN + 5)]
    assert np.array_equal(drawn(many), drawn(many[:SHOWN]))


@pytest.mark.parametrize("size", [(4000, 100), (100, 4000), (1, 1)])
def test_photos_of_any_shape_fit(size):
    assert drawn([], size).shape[1] == WIDTH
