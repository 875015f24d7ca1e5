"""A model says that an image is unlike its training photos by its own vocabulary, whatever else is scored."""

import dataclasses
import pickle

import numpy as np
import pytest
import torch
from PIL import Image

from ram.prediction import Strength, strongest_logits
from ram.tagger import Tagger
from tests.tiny import HashTextEncoder, tiny_bank, tiny_config, tiny_model, tiny_tagger

TAGS = {f"tag {i}": (f"sentence {i}", f"another {i}")[: 1 + i % 2] for i in range(8)}
PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8))


def tagger_with_cut(cut):
    config = dataclasses.replace(tiny_config(), unlike_below=cut)
    return Tagger(config, tiny_model(config), tiny_bank(TAGS), HashTextEncoder)


@pytest.fixture
def tagger():
    return tagger_with_cut(0.0)


@pytest.fixture
def expected(tagger):
    """The mean of the five highest logits of the whole vocabulary, by the terms of the scores."""
    logits = [score.evidence.logit for score in tagger.score(tagger.look(PICTURE))]
    return sum(sorted(logits, reverse=True)[:5]) / 5


def test_the_strength_is_the_mean_of_the_five_highest_logits():
    logits = np.float32([[3, 1, 2, -7, 5, 4, 0], [1, 1, 1, 1, 1, 1, -90]])
    assert strongest_logits(logits).tolist() == [3, 1]
    assert strongest_logits(np.float32([2, 4])) == 3  # fewer than five


def test_a_prediction_has_the_strength_of_its_image(tagger, expected):
    prediction = tagger.tag(PICTURE)
    assert prediction.strength.value == pytest.approx(expected, abs=1e-5)
    assert prediction.strength.unlike_below == 0.0
    assert prediction.select(["tag 3"]).strength == prediction.strength
    assert tagger.strength(tagger.look(PICTURE)).value == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("away", [-1e-3, 1e-3])
def test_an_image_is_unlike_below_the_cut(expected, away):
    prediction = tagger_with_cut(expected + away).tag(PICTURE)
    assert prediction.unlike is (away > 0) and prediction.to_dict()["unlike"] is (away > 0)


def test_a_strength_equal_to_the_cut_is_not_unlike():
    assert not Strength(1.5, 1.5).unlike and Strength(np.nextafter(1.5, 0), 1.5).unlike


def test_a_model_without_a_cut_never_says_unlike():
    tagger = tiny_tagger()
    features, prediction = tagger.look(PICTURE), tagger.tag(PICTURE)
    assert tagger.strength(features) is prediction.strength is None
    assert prediction.unlike is False and "unlike" not in prediction.to_dict()


def test_typed_categories_do_not_change_the_strength(tagger, expected):
    features = tagger.look(PICTURE)
    typed = tagger.embed({f"category {i}": [f"words about {i}"] for i in range(300)})
    joined = tagger.bank.join(typed)
    highest = strongest_logits(sum(tagger.score(features, joined).terms.values()))
    assert abs(highest - expected) > 0.01  # over all that is scored it would be another
    for bank in (tagger.bank, joined, typed, tagger.bank.select(["tag 1"])):
        each = tagger.with_bank(bank)
        assert each.tag(PICTURE).strength.value == pytest.approx(expected, abs=1e-5)
        assert each.tag(PICTURE, shortlist=1).strength.value == pytest.approx(expected, abs=1e-5)
        assert pickle.loads(pickle.dumps(each)).tag(PICTURE).strength.value == pytest.approx(expected, abs=1e-5)
    assert tagger.score(features, joined).strength.value == pytest.approx(expected, abs=1e-5)


def test_edited_sentences_do_not_change_the_strength(tagger, expected):
    edited = tagger.bank.override(tagger.embed({"tag 0": ["quite another sentence"]}))
    assert tagger.with_bank(edited).tag(PICTURE).strength.value == pytest.approx(expected, abs=1e-5)


def test_other_thresholds_do_not_change_the_strength(tagger, expected):
    strict = tagger.with_bank(tagger.bank.with_thresholds([1.0] * len(TAGS)))
    assert strict.tag(PICTURE).strength.value == pytest.approx(expected, abs=1e-5)


def test_scores_of_a_given_bank_alone_cost_no_second_scoring(tagger, monkeypatch):
    scored = []
    score = tagger._scorer.score
    monkeypatch.setattr(tagger._scorer, "score", lambda *given: scored.append(1) or score(*given))
    features, typed = tagger.look(PICTURE), tagger.embed({"corgi": ["short legs"]})
    assert tagger.score(features, typed).strength is None and scored == [1]
    tagger.score(features)
    tagger.score(features, tagger.bank.join(typed))
    assert scored == [1, 1, 1]


def test_a_batch_has_a_strength_for_each_image(tagger):
    others = [PICTURE, Image.new("RGB", (64, 64), "green")]
    values = [prediction.strength.value for prediction in tagger.tag(others)]
    alone = [tagger.tag(image).strength.value for image in others]
    torch.testing.assert_close(values, alone, atol=1e-6, rtol=0)
    assert abs(values[0] - values[1]) > 1e-5
