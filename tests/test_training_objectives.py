"""Objectives against the papers' sums, one picture and one text at a time."""

import math

import pytest
import torch
import torch.nn.functional as F

from ram.models.image_encoder import ImageFeatures
from ram.models.queries import DescriptionEmbeddings
from ram.training.objectives import OBJECTIVES, Batch, alignment, contrastive, tagging, total_loss
from tests.tiny import DIM, tiny_bank, tiny_model
from tests.toy_run import toy_model


@pytest.fixture
def model():
    return tiny_model(toy_model())


@pytest.fixture
def batch():
    """Four pictures, three tags of which some are unknown, two captions a picture but none of the third."""
    return Batch(
        ImageFeatures(torch.randn(4, 5, DIM)),
        tiny_bank().embedded,
        targets=torch.tensor([[1, 0, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1]]).bool(),
        known=torch.tensor([[1, 1, 1], [1, 0, 1], [1, 0, 1], [0, 1, 1]]).bool(),
        captions=F.normalize(torch.randn(4, 2, DIM), dim=-1),
        captioned=torch.tensor([True, True, False, True]),
    )


def asymmetric(logit, there, gamma_neg):
    """One term of Ridnik et al. 2021 with gamma_pos 0 and clip 0.05."""
    p = 1 / (1 + math.exp(-logit))
    q = max(p - 0.05, 0)
    return -math.log(p) if there else -(q**gamma_neg) * math.log(1 - q)


def logit(model, batch, picture, texts):
    """Of one picture and one tag, whose descriptions are (descriptions, dim)."""
    features = ImageFeatures(batch.features.tokens[picture : picture + 1])
    return model.score(features, DescriptionEmbeddings(texts[None])).item()


def changed(batch, **parts):
    return Batch(**{**vars(batch), **parts})


def test_tagging_sums_over_the_known_tags_and_averages_over_pictures(model, batch):
    total = 0.0
    for picture in range(4):
        for tag in range(3):
            if batch.known[picture, tag]:
                texts = batch.tags.embeddings[tag][batch.tags.mask[tag]]
                total += asymmetric(logit(model, batch, picture, texts), batch.targets[picture, tag], 7)
    assert tagging(model, batch).item() == pytest.approx(total / 4, rel=1e-4)


def test_what_is_unknown_teaches_nothing(model, batch):
    opposite = torch.where(batch.known, batch.targets, ~batch.targets)
    assert tagging(model, changed(batch, targets=opposite)) == tagging(model, batch)
    never = changed(batch, known=batch.known & torch.tensor([True, False, True]))
    never.tags.embeddings.requires_grad_()
    tagging(model, never).backward()
    gradient = never.tags.embeddings.grad.abs().sum((1, 2))
    assert gradient[1] == 0 and gradient[0] > 0 and gradient[2] > 0


def test_a_batch_of_unknown_tags_costs_nothing(model, batch):
    loss = tagging(model, changed(batch, known=torch.zeros_like(batch.known)))
    loss.backward()
    assert loss.item() == 0


def test_alignment_sets_every_picture_against_every_caption_of_the_batch(model, batch):
    total, pictures = 0.0, [0, 1, 3]
    for picture in pictures:
        for owner in pictures:
            for caption in batch.captions[owner]:
                total += asymmetric(logit(model, batch, picture, caption[None]), picture == owner, 4)
    assert alignment(model, batch).item() == pytest.approx(total / 3, rel=1e-4)


def test_the_contrastive_term_matches_pooled_tokens_with_the_mean_of_their_captions(model, batch):
    pictures = [0, 1, 3]
    scale = math.exp(model.reweighting.log_scale.item())
    pooled = [batch.features.tokens[i, 0] for i in pictures]
    texts = [batch.captions[i].sum(0) for i in pictures]
    cosine = [[scale * F.cosine_similarity(p, t, dim=0).item() for t in texts] for p in pooled]
    total = 0.0
    for i in range(3):
        over_texts = sum(math.exp(c) for c in cosine[i])
        over_pictures = sum(math.exp(row[i]) for row in cosine)
        total += math.log(over_texts) / 2 + math.log(over_pictures) / 2 - cosine[i][i]
    assert contrastive(model, batch).item() == pytest.approx(total / 3, rel=1e-4)


@pytest.mark.parametrize("objective", [alignment, contrastive])
def test_pictures_without_captions_are_left_out(model, batch, objective):
    kept = batch.captioned
    rest = changed(
        batch,
        features=ImageFeatures(batch.features.tokens[kept]),
        captions=batch.captions[kept],
        captioned=kept[kept],
    )
    unread = batch.captions.masked_fill(~kept[:, None, None], torch.nan)
    batch.features.tokens.requires_grad_()
    loss = objective(model, changed(batch, captions=unread))
    assert loss.item() == pytest.approx(objective(model, rest).item(), rel=1e-5)
    loss.backward()
    assert (batch.features.tokens.grad.abs().sum((1, 2)) > 0).tolist() == kept.tolist()


@pytest.mark.parametrize("objective", [alignment, contrastive])
def test_a_batch_without_any_caption_costs_nothing(model, batch, objective):
    batch.features.tokens.requires_grad_()
    loss = objective(model, changed(batch, captioned=torch.zeros(4, dtype=torch.bool)))
    loss.backward()
    assert loss.item() == 0 and batch.features.tokens.grad.abs().sum() == 0


def test_the_total_is_the_weighted_sum_and_unweighted_losses_are_told(model, batch):
    weights = {"tagging": 0.5, "contrastive": 2.0}
    total, losses = total_loss(model, batch, weights)
    assert set(losses) == set(weights)
    assert all(loss == OBJECTIVES[name](model, batch) for name, loss in losses.items())
    assert total.item() == pytest.approx(0.5 * losses["tagging"].item() + 2 * losses["contrastive"].item())
