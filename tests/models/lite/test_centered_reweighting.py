"""Re-weighting by differences: what all sentences about a tag share has no say."""

import pytest
import torch
import torch.nn.functional as F

from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.lite.centered_reweighting import CenteredReweighting
from tests.tiny import DIM


@pytest.fixture
def pooled():
    return F.normalize(torch.randn(5, DIM), dim=-1)


def unit(*shape):
    return F.normalize(torch.randn(*shape), dim=-1)


def test_one_description_has_all_the_weight_and_stays_itself(pooled):
    bank = unit(3, 1, DIM)
    blended, weights = CenteredReweighting()(pooled, DescriptionEmbeddings(bank))
    assert torch.equal(weights, torch.ones(5, 3, 1))
    assert torch.allclose(blended, bank[:, 0].expand(5, -1, -1))


def test_weights_follow_the_sentence_nearer_to_the_image(pooled):
    near, far = pooled[0], -pooled[0]
    common = 3 * unit(DIM)
    bank = F.normalize(torch.stack([common + near, common + far]), dim=-1)[None]
    _, weights = CenteredReweighting()(pooled[:1], DescriptionEmbeddings(bank))
    assert weights[0, 0, 0] > 0.99


def test_padding_has_no_weight_and_moves_no_mean(pooled):
    bank, mask = unit(2, 4, DIM), torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]]).bool()
    _, weights = CenteredReweighting()(pooled, DescriptionEmbeddings(bank * mask[..., None], mask))
    _, alone = CenteredReweighting()(pooled, DescriptionEmbeddings(bank[1:, :2]))
    assert torch.allclose(weights[:, 1, :2], alone[:, 0], atol=1e-6) and not weights[:, 1, 2:].any()
    assert torch.allclose(weights.sum(dim=-1), torch.ones(5, 2))
