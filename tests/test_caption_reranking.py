"""Captions that a tagger chooses from several."""

import numpy as np
import pytest
from PIL import Image

from ram import caption_reranking
from ram.caption_reranking import GUIDES, ODDS, best_captions, rank_captions
from ram.caption_writing import Caption
from ram.errors import ImageError, InputError
from ram.images.opening import open_image
from ram.prediction import Prediction
from ram.text.vocabulary import TagVocabulary
from tests.captioners import let_caption
from tests.tiny import tiny_tagger

OWN = "a dog plays with a ball"
SEEN = ("animal", "crocodile", "reptile", "hay", "river")
ENOUGH = float(np.log(ODDS))


class Writer:
    """A captioner that writes of the tag it is given, and cannot read "hay"."""

    name, device, kind, has_captioner, adds_given_tags = "writer", "cpu", "Tag2Text", True, True

    def reads(self, tag):
        return tag != "hay"

    def caption_variants(self, features, tags, beams=3, options=None):
        own, *guided = tags
        assert own is None
        return [Caption(OWN, (), ("dog",)), *(Caption(f"a photo of {one[0]}", tuple(one)) for one in guided)]


def prediction(logits):
    """Scores of tags that are all over their thresholds, by name."""
    values = np.array(list(logits.values()), np.float32)
    vocabulary = TagVocabulary.of(logits, 0.0)
    weights = np.ones((len(values), 1), np.float32)
    return Prediction(vocabulary, [["x"]] * len(values), 1 / (1 + np.exp(-values)), weights, {"decoder": values})


class Judge:
    """A tagger that sees SEEN, and gives each sentence the logit that a test wants."""

    name = "judge"

    def __init__(self, **logits):
        self.logits = {text.replace("_", " "): value for text, value in logits.items()}

    def embed(self, descriptions):
        return descriptions

    def score(self, features, bank=None):
        if bank is None:
            return prediction({tag: 5.0 - place for place, tag in enumerate(SEEN)})
        named = {name: text.removeprefix("a photo of ") for name, (text,) in bank.items()}
        return prediction({name: self.logits.get(text, -9.0) for name, text in named.items()})


def rank(**logits):
    return rank_captions(Writer(), None, Judge(**{"a_dog_plays_with_a_ball": 0.0, **logits}), None)


def test_a_sentence_that_fits_far_better_takes_the_place_of_the_own_one():
    best, second, *others = rank(crocodile=ENOUGH + 0.1, animal=2.0)
    assert best.caption == Caption("a photo of crocodile", ("crocodile",))
    assert second.caption.text == "a photo of animal" and [one.caption.text for one in others][0] == OWN


def test_the_own_sentence_stays_where_another_is_only_a_little_better():
    best, second, *_ = rank(crocodile=ENOUGH - 0.1)
    assert best.caption.text == OWN and second.caption.text == "a photo of crocodile"


def test_the_likeliest_tags_guide_and_an_unreadable_one_is_left_out():
    guides = {one.caption.given for one in rank()}
    assert guides == {(), ("animal",), ("crocodile",), ("reptile",)} and len(SEEN) > GUIDES


def test_logits_tell_sentences_apart_whose_probabilities_are_both_1():
    best, second, *_ = rank(crocodile=40.0, reptile=41.0)
    assert best.score.probability == second.score.probability == 1
    assert best.caption.given == ("reptile",)


def test_many_images_have_the_caption_that_each_has_by_itself(monkeypatch, tmp_path):
    let_caption(monkeypatch)
    captioner, judge = tiny_tagger(), tiny_tagger()
    pictures = []
    for shade in (0, 120, 250):
        pictures.append(tmp_path / f"{shade}.png")
        Image.new("RGB", (40, 30), (shade, 90, 200 - shade // 2)).save(pictures[-1])
    (tmp_path / "broken.png").write_bytes(b"no image")
    first, broken, *others = best_captions(captioner, judge, [pictures[0], tmp_path / "broken.png", *pictures[1:]])
    assert isinstance(broken, ImageError)
    for picture, caption in zip(pictures, (first, *others), strict=True):
        assert caption == rank_captions(captioner, captioner.look(picture), judge, judge.look(picture))[0].caption


def test_an_image_is_read_once_for_both_models(monkeypatch, tmp_path):
    """An open file has one position, so that two readers of it would disturb each other."""
    let_caption(monkeypatch)
    Image.new("RGB", (40, 30), (0, 90, 200)).save(tmp_path / "blue.png")
    opened = []
    monkeypatch.setattr(caption_reranking, "open_image", lambda *given, **how: opened.append(1) or open_image(*given))
    with open(tmp_path / "blue.png", "rb") as file:
        (of_file,) = best_captions(tiny_tagger(), tiny_tagger(), [file])
    assert opened == [1]
    assert [of_file] == list(best_captions(tiny_tagger(), tiny_tagger(), [tmp_path / "blue.png"]))


def test_a_model_without_a_captioner_is_refused():
    with pytest.raises(InputError, match="writes no captions"):
        next(best_captions(tiny_tagger(), tiny_tagger(), []))
