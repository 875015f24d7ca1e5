"""Taggers on a host that lends its GPU by the call: the lender here carries everything to and fro as bytes."""

import dataclasses
import pickle
import sys
import types

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from demo.server.zerogpu import borrow, find_lender
from ram.backends import Explainer
from ram.errors import ImageError
from ram.evaluation.baselines.zero_shot_clip import ZeroShotTagger
from ram.models.config import ImageConfig, ModelConfig
from ram.tagger import Tagger
from tests.tiny import DIM, HashTextEncoder, tiny_bank, tiny_config, tiny_model, tiny_tagger

PICTURE = Image.effect_noise((90, 60), 90).convert("RGB")


class Lender:
    """Counts the loans; arguments and answers cross as bytes, as between two processes."""

    def __init__(self):
        self.loans = []

    def __call__(self, function):
        def lent(*arguments):
            self.loans.append(function.__name__)
            return pickle.loads(pickle.dumps(function(*pickle.loads(pickle.dumps(arguments)))))

        return lent


@pytest.fixture
def lender():
    return Lender()


@pytest.fixture
def own():
    return tiny_tagger()


@pytest.fixture
def borrowing(own, lender):
    return borrow(own, lender)


def test_the_strength_of_a_photo_comes_back(lender):
    config = dataclasses.replace(tiny_config(), unlike_below=0.25)
    own = Tagger(config, tiny_model(config), tiny_bank(), HashTextEncoder)
    borrowed, expected = borrow(own, lender).tag(PICTURE).strength, own.tag(PICTURE).strength
    assert borrowed.unlike_below == 0.25 and borrowed.value == pytest.approx(expected.value, abs=1e-6)


def test_results_are_equal_and_each_use_is_one_loan(own, borrowing, lender):
    features, expected = borrowing.look(PICTURE), own.look(PICTURE)
    torch.testing.assert_close(features.tokens, expected.tokens)
    np.testing.assert_allclose(borrowing.score(features).probabilities, own.score(expected).probabilities, atol=1e-6)
    sentences = {"corgi": ["a photo of a corgi.", "a small dog"]}
    bank, own_bank = borrowing.embed(sentences), own.embed(sentences)
    scored, own_scored = borrowing.score(features, bank)["corgi"], own.score(expected, own_bank)["corgi"]
    assert scored.probability == pytest.approx(own_scored.probability, abs=1e-6)
    assert [d.text for d in scored.descriptions] == [d.text for d in own_scored.descriptions]
    told, own_told = borrowing.explain(features, own.bank, "dog"), own.explain(expected, own.bank, "dog")
    np.testing.assert_allclose(told.without, own_told.without, atol=1e-6)
    assert lender.loans == ["look", "score", "embed", "score", "explain"]
    assert {t.device.type for t in (features.tokens, bank.embedded.embeddings)} == {"cpu"}
    assert borrowing.tag(PICTURE).tags == own.tag(PICTURE).tags


def test_a_borrowing_tagger_has_only_what_works_over_a_loan(own, lender):
    borrowing = borrow(own, lender)
    assert isinstance(borrowing, Explainer) and not isinstance(borrowing, Tagger)
    assert not [name for name in ("shortlist", "with_bank", "look_through") if hasattr(borrowing, name)]


def test_one_that_explains_nothing_does_not_when_it_borrows(lender):
    config = ModelConfig("tiny-clip", ImageConfig("clip", 32, interpolation="bicubic"), HashTextEncoder.name, DIM)
    visual = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, DIM))
    borrowing = borrow(ZeroShotTagger(visual, HashTextEncoder(), tiny_tagger(), config), lender)
    assert not isinstance(borrowing, Explainer)
    assert borrowing.tag(PICTURE)["dog"].evidence.terms[0][0] == "cosine"


def test_an_unreadable_image_borrows_nothing(borrowing, lender, tmp_path):
    (tmp_path / "letter.jpg").write_text("Dear all,")
    with pytest.raises(ImageError, match="letter.jpg"):
        borrowing.look(tmp_path / "letter.jpg")
    assert lender.loans == []


def test_only_such_a_space_has_a_lender(monkeypatch):
    assert find_lender({}) is None
    assert find_lender({"SPACE_ID": "someone/page"}) is None
    monkeypatch.setitem(sys.modules, "spaces", types.SimpleNamespace(GPU="the lender"))
    assert find_lender({"SPACES_ZERO_GPU": "true"}) == "the lender"
