"""Taggers on a host that lends its GPU by the call: the lender here carries everything to and fro as bytes."""

import pickle
import sys
import types

import numpy as np
import pytest
import torch
from PIL import Image

from demo.server.zerogpu import borrow, find_lender
from ram.errors import ImageError
from tests.tiny import tiny_tagger

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


def test_every_answer_is_the_same_and_every_use_of_the_network_is_one_loan(own, borrowing, lender):
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


def test_a_picture_that_cannot_be_opened_says_so_and_borrows_nothing(borrowing, lender, tmp_path):
    (tmp_path / "letter.jpg").write_text("Dear all,")
    with pytest.raises(ImageError, match="letter.jpg"):
        borrowing.look(tmp_path / "letter.jpg")
    assert lender.loans == []


def test_only_such_a_space_has_a_lender(monkeypatch):
    assert find_lender({}) is None
    assert find_lender({"SPACE_ID": "someone/page"}) is None
    monkeypatch.setitem(sys.modules, "spaces", types.SimpleNamespace(GPU="the lender"))
    assert find_lender({"SPACES_ZERO_GPU": "true"}) == "the lender"
