"""Similarities that are centred weigh as descriptions that are."""

import copy

import pytest
import torch
import torch.nn.functional as F

from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.fast.centered_scores import center_similarities
from ram.models.lite.centered_reweighting import CenteredReweighting
from ram.models.scoring import Scorer
from tests.tiny import DIM, tiny_bank, tiny_pixels, whole_model


@pytest.fixture
def plain():
    return CenteredReweighting().requires_grad_(False)


@pytest.mark.parametrize("masked", [False, True])
def test_the_weights_and_the_blend_are_equal(plain, masked):
    shared = torch.randn(1, 1, DIM)
    bank = F.normalize(shared + 0.3 * torch.randn(6, 5, DIM), dim=-1)
    mask = torch.arange(5) < torch.tensor([5, 1, 2, 3, 4, 5])[:, None] if masked else None
    descriptions = DescriptionEmbeddings(bank if mask is None else bank * mask[..., None], mask)
    fast = copy.deepcopy(plain)
    center_similarities(fast)
    pooled = 7 * torch.randn(3, DIM)
    for wanted, ours in zip(plain(pooled, descriptions), fast(pooled, descriptions), strict=True):
        torch.testing.assert_close(ours, wanted, atol=1e-5, rtol=1e-5)


def test_equal_descriptions_have_equal_weights(plain):
    center_similarities(plain)
    bank = F.normalize(torch.randn(1, 1, DIM), dim=-1).expand(1, 4, -1)
    _, weights = plain(torch.randn(1, DIM), DescriptionEmbeddings(bank))
    assert weights.isfinite().all() and weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("fast", [False, True])
def test_one_description_has_all_the_weight_in_half_precision(plain, dtype, fast):
    """It does not differ from the mean of its tag, and float16 rounds a guard such as 1e-12 to 0."""
    if fast:
        center_similarities(plain)
    bank = F.normalize(torch.randn(3, 2, DIM), dim=-1).to(dtype)
    mask = torch.tensor([[True, False], [True, True], [True, False]])
    for descriptions in (DescriptionEmbeddings(bank * mask[..., None], mask), DescriptionEmbeddings(bank[:, :1])):
        blended, weights = plain.to(dtype)(torch.randn(4, DIM, dtype=dtype), descriptions)
        assert blended.dtype == weights.dtype == dtype and blended.isfinite().all()
        assert (weights[:, 0, 0] == 1).all() and torch.equal(blended[0, 0], bank[0, 0])


def test_a_prepared_bank_measures_its_descriptions_once(monkeypatch):
    model, bank = whole_model().requires_grad_(False), tiny_bank().embedded
    model.reweighting = CenteredReweighting().requires_grad_(False)
    features = model.look(tiny_pixels(2))
    wanted = model.score(features, bank)
    scorer = Scorer(copy.deepcopy(model))
    prepared = scorer.prepare(bank)
    monkeypatch.setattr(DescriptionEmbeddings, "mean", None)
    torch.testing.assert_close(scorer.score(features, prepared).logits, wanted, atol=1e-5, rtol=1e-5)
