"""Descriptions are blended by how well they fit the picture; the oracle is one plain loop."""

import copy
import math

import numpy as np
import pytest
import torch

from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.fast.blockwise import reweight_in_blocks
from ram.models.reweighting import DescriptionReweighting, TextQueries

BATCH, TAGS, MOST, DIM = 3, 5, 4, 8
COUNTS = (4, 1, 3, 2, 4)


@pytest.fixture
def pooled():
    return 3 * torch.randn(BATCH, DIM)


@pytest.fixture
def ragged():
    embeddings = torch.nn.functional.normalize(torch.randn(TAGS, MOST, DIM), dim=-1)
    return DescriptionEmbeddings(embeddings, torch.arange(MOST) < torch.tensor(COUNTS)[:, None])


@pytest.fixture
def reweighting():
    module = DescriptionReweighting()
    torch.nn.init.constant_(module.log_scale, 1.3)
    return module


def blend_by_loop(pooled, bank, counts, log_scale):
    """RAM++, section 3.3, one picture, tag and description after the other, in float64."""
    blended, weights = np.zeros((len(pooled), len(bank), bank.shape[2])), np.zeros((len(pooled), *bank.shape[:2]))
    for b, picture in enumerate(pooled):
        length = math.sqrt(sum(x * x for x in picture))
        for t, count in enumerate(counts):
            scores = [math.exp(log_scale) * float(picture @ bank[t, k]) / length for k in range(count)]
            shares = [math.exp(score - max(scores)) for score in scores]
            for k, share in enumerate(shares):
                weights[b, t, k] = share / sum(shares)
                blended[b, t] += weights[b, t, k] * bank[t, k]
    return blended, weights


def test_blending_is_the_papers_for_ragged_descriptions(reweighting, pooled, ragged):
    blended, weights = reweighting(pooled, ragged)
    scale = reweighting.log_scale.item()
    wanted = blend_by_loop(pooled.double().numpy(), ragged.embeddings.double().numpy(), COUNTS, scale)
    np.testing.assert_allclose(blended.detach(), wanted[0], atol=1e-6)
    np.testing.assert_allclose(weights.detach(), wanted[1], atol=1e-6)


def test_one_description_per_tag_is_the_identity(reweighting, pooled):
    bank = torch.randn(TAGS, 1, DIM)
    blended, weights = reweighting(pooled, DescriptionEmbeddings(bank))
    assert torch.equal(blended, bank[:, 0].expand(BATCH, TAGS, DIM))
    assert torch.equal(weights, torch.ones(BATCH, TAGS, 1))


def test_padding_has_no_influence(reweighting, pooled, ragged):
    garbage = torch.where(ragged.mask[..., None], ragged.embeddings, 1e3)
    blended, weights = reweighting(pooled, ragged)
    again, weights_again = reweighting(pooled, DescriptionEmbeddings(garbage, ragged.mask))
    assert torch.equal(blended, again) and torch.equal(weights, weights_again)
    assert bool((weights[:, ~ragged.mask] == 0).all())


def test_the_weights_of_a_tag_sum_to_one(reweighting, pooled, ragged):
    _, weights = reweighting(pooled, ragged)
    torch.testing.assert_close(weights.sum(-1), torch.ones(BATCH, TAGS))


def test_only_the_direction_of_the_picture_counts(reweighting, pooled, ragged):
    torch.testing.assert_close(reweighting(pooled, ragged), reweighting(17 * pooled, ragged))


def test_the_scale_starts_as_clip_does_and_is_learnt(pooled, ragged):
    reweighting = DescriptionReweighting()
    assert reweighting.log_scale.exp().item() == pytest.approx(1 / 0.07)
    reweighting(pooled, ragged)[0].square().sum().backward()
    assert reweighting.log_scale.grad.abs().item() > 0


def test_a_sharper_scale_moves_weight_to_the_best_description(pooled, ragged):
    soft, sharp = DescriptionReweighting(), DescriptionReweighting()
    torch.nn.init.constant_(soft.log_scale, 0.0)
    torch.nn.init.constant_(sharp.log_scale, 6.0)
    most = [module(pooled, ragged)[1].amax(-1)[:, 0] for module in (soft, sharp)]
    assert bool((most[1] > most[0]).all())


def test_queries_are_projected_and_never_negative():
    queries = TextQueries(DIM, 6)
    blended = torch.randn(BATCH, TAGS, DIM)
    wanted = np.maximum(
        blended.numpy() @ queries.project.weight.detach().numpy().T + queries.project.bias.detach().numpy(), 0
    )
    np.testing.assert_allclose(queries(blended).detach(), wanted, atol=1e-6)
    assert (wanted == 0).any() and (wanted > 0).any()


def test_rows_keep_embeddings_and_mask_together(ragged):
    for which in (slice(1, 3), torch.tensor([4, 0])):
        some = ragged.rows(which)
        assert torch.equal(some.embeddings, ragged.embeddings[which])
        assert torch.equal(some.mask, ragged.mask[which])
    assert ragged.rows(slice(0, 0)).tags == 0


def test_the_mean_is_over_a_tags_own_descriptions(ragged):
    wanted = [sum(ragged.embeddings[tag, :count]) / count for tag, count in enumerate(COUNTS)]
    torch.testing.assert_close(ragged.mean(), torch.stack(wanted))
    full = DescriptionEmbeddings(ragged.embeddings)
    torch.testing.assert_close(full.mean(), sum(ragged.embeddings.unbind(1)) / MOST)


def test_moving_leaves_the_mask_a_mask(ragged):
    moved = ragged.to("cpu", torch.float16)
    assert moved.embeddings.dtype == torch.float16 and moved.mask.dtype == torch.bool


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"embeddings are \(tags, descriptions, dim\), not \(5, 8\)"):
        DescriptionEmbeddings(torch.zeros(5, 8))
    with pytest.raises(ValueError, match=r"mask \(5, 3\) does not fit embeddings \(5, 4, 8\)"):
        DescriptionEmbeddings(torch.zeros(5, 4, 8), torch.ones(5, 3, dtype=torch.bool))


@pytest.mark.parametrize("tags_per_block", [1, 2, 100])
def test_reweighting_in_blocks_equals_the_plain_one(reweighting, pooled, ragged, monkeypatch, tags_per_block):
    monkeypatch.setattr("ram.models.fast.blockwise.BLOCK_BYTES", tags_per_block * MOST * DIM * 4)
    fast = copy.deepcopy(reweighting)
    reweight_in_blocks(fast)
    for bank in (ragged, DescriptionEmbeddings(ragged.embeddings), ragged.rows(slice(0, 0))):
        for ours, wanted in zip(fast(pooled, bank), reweighting(pooled, bank), strict=True):
            torch.testing.assert_close(ours, wanted, atol=1e-6, rtol=0)
