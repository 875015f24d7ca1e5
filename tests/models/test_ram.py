"""Looking and scoring are apart: what is asked, and in which pieces, changes no other score."""

import pytest
import torch

from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.lite.model import LiteModel, total
from tests.tiny import DIM, HashTextEncoder, tiny_config, tiny_model, tiny_pixels, whole_config, whole_model


@pytest.fixture(params=[tiny_model, whole_model], ids=["official", "all parts"])
def model(request):
    return request.param().requires_grad_(False)


@pytest.fixture
def features(model):
    return model.look(tiny_pixels(2))


@pytest.fixture
def bank():
    """Seven tags with one to three descriptions."""
    vectors = torch.stack([HashTextEncoder.vector(str(i)) for i in range(21)]).reshape(7, 3, DIM)
    return DescriptionEmbeddings(vectors, torch.arange(3) < torch.tensor([3, 1, 2, 3, 1, 1, 2])[:, None])


def test_asking_for_more_tags_changes_no_score(model, features, bank):
    few = model.score(features, bank.rows(slice(0, 2)))
    torch.testing.assert_close(model.score(features, bank)[:, :2], few, atol=1e-6, rtol=0)


def test_the_score_is_the_head_over_the_aligned_query(model, features, bank):
    blended, weights = model.reweighting(features.pooled, bank)
    aligned = model.decoder(model.queries(blended), features.tokens)
    wanted = model.head(aligned, blended)
    if isinstance(model, LiteModel):
        wanted = total(model.evidence(wanted, features, model.prepare(bank)))
    alignment = model.align(features, bank)
    torch.testing.assert_close(alignment.logits, wanted)
    torch.testing.assert_close(alignment.weights, weights)
    assert torch.equal(model.score(features, bank), alignment.logits)


def test_different_pictures_and_tags_get_different_scores(model, features, bank):
    scores = model.score(features, bank)
    assert scores.shape == (2, 7)
    assert len(scores.flatten().unique()) == 14


def test_with_one_description_the_scale_has_no_effect(model, features, bank):
    """That is why a RAM checkpoint needs none."""
    first = DescriptionEmbeddings(bank.embeddings[:, :1])
    before = model.score(features, first)
    model.reweighting.log_scale.fill_(-3.0)
    assert torch.equal(model.score(features, first), before)
    assert not torch.allclose(model.score(features, bank), model.score(features, first))


def test_captions_are_scored_as_if_they_were_tags(model, features):
    captions = DescriptionEmbeddings(torch.stack([HashTextEncoder.vector(c) for c in ("a", "b")])[:, None])
    assert model.score(features, captions).shape == (2, 2)


def test_no_tags_get_no_scores(model, features, bank):
    alignment = model.align(features, bank.rows(slice(0, 0)))
    assert alignment.logits.shape == (2, 0)


@pytest.mark.parametrize("config", [tiny_config(), whole_config()], ids=["official", "all parts"])
def test_a_model_is_ready_to_be_used_and_to_be_trained(bank, config):
    model = tiny_model(config)
    assert not model.training
    loss = model.train().score(model.look(tiny_pixels(2)), bank).square().sum()
    loss.backward()
    assert all(p.grad is not None for p in model.parameters())
