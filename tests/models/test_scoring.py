"""Scoring a bank in chunks, prepared or not, gives the network's own scores."""

import copy

import pytest
import torch

from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.lite.ensemble import Ensemble
from ram.models.scoring import Scorer
from tests.tiny import DIM, HashTextEncoder, tiny_model, tiny_pixels, whole_model


@pytest.fixture(params=[tiny_model, whole_model], ids=["official", "all parts"])
def model(request):
    return request.param().requires_grad_(False)


@pytest.fixture
def scorer(model):
    return Scorer(copy.deepcopy(model))


@pytest.fixture
def features(model):
    return model.look(tiny_pixels(2))


@pytest.fixture
def bank():
    """Seven tags with one to three descriptions."""
    vectors = torch.stack([HashTextEncoder.vector(str(i)) for i in range(21)]).reshape(7, 3, DIM)
    return DescriptionEmbeddings(vectors, torch.arange(3) < torch.tensor([3, 1, 2, 3, 1, 1, 2])[:, None])


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("prepared", [True, False])
def test_scoring_in_chunks_equals_the_network(model, scorer, features, bank, chunk, prepared, monkeypatch):
    monkeypatch.setattr("ram.models.scoring.CHUNK", chunk)
    wanted = model.align(features, bank)
    scores = scorer.score(features, scorer.prepare(bank) if prepared else bank)
    torch.testing.assert_close(scores.logits, wanted.logits, atol=1e-5, rtol=0)
    torch.testing.assert_close(scores.weights, wanted.weights, atol=1e-6, rtol=0)


def test_no_tags_get_no_scores(scorer, features, bank):
    none = bank.rows(slice(0, 0))
    for asked in (none, scorer.prepare(none)):
        assert scorer.score(features, asked).logits.shape == (2, 0)


def test_queries_of_one_description_are_made_once(scorer, features, bank):
    one = DescriptionEmbeddings(bank.embeddings[:, :1])
    wanted, prepared, made = scorer.score(features, one).logits, scorer.prepare(one), []
    scorer.model.queries.register_forward_hook(lambda *_: made.append(None))
    torch.testing.assert_close(scorer.score(features, prepared).logits, wanted, atol=1e-6, rtol=0)
    assert not made


def test_queries_that_depend_on_the_image_are_not_prepared(scorer, bank):
    assert scorer.prepare(bank).queries is None


def test_a_bank_in_16_bit_stays_so_and_scores_as_a_wide_one(scorer, features, bank):
    small = bank.to("cpu", torch.float16)
    prepared = scorer.prepare(small)
    assert prepared.embeddings.embeddings.dtype == torch.float16
    wide = small.to("cpu", torch.float32)
    torch.testing.assert_close(scorer.score(features, prepared).logits, scorer.score(features, wide).logits)


def test_terms_of_the_bank_are_computed_once(bank, monkeypatch):
    model = whole_model().requires_grad_(False)
    scorer, features = Scorer(model), model.look(tiny_pixels())
    prepared, wanted = scorer.prepare(bank), scorer.score(features, bank).logits
    monkeypatch.setattr(Ensemble, "prepare", None)
    torch.testing.assert_close(scorer.score(features, prepared).logits, wanted, atol=1e-6, rtol=0)


@pytest.mark.parametrize("make, names", [(tiny_model, ["decoder"]), (whole_model, ["decoder", "pooled", "classifier"])])
def test_a_model_has_the_evidence_of_its_parts(make, names, bank):
    model = make().requires_grad_(False)
    assert list(Scorer(model).score(model.look(tiny_pixels()), bank).terms) == names
