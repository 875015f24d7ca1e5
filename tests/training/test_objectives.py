"""Objectives against the papers' sums, one picture and one text at a time."""

import math

import pytest
import torch
import torch.nn.functional as F

from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.image_encoder import ImageFeatures
from ram.training.data.negatives import negative_weights, sample_tags
from ram.training.objectives import (
    OBJECTIVES,
    Batch,
    alignment,
    contrastive,
    distillation,
    retention,
    tagging,
    total_loss,
)
from ram.training.recipe_sections import LOSSES, LossRecipe
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
    """Logit of one picture and one tag, whose descriptions are (descriptions, dim)."""
    features = ImageFeatures(batch.features.tokens[picture : picture + 1])
    return model.score(features, DescriptionEmbeddings(texts[None])).item()


def changed(batch, **parts):
    return Batch(**{**vars(batch), **parts})


def test_tagging_sums_over_known_tags_and_averages_over_images(model, batch):
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


def test_alignment_compares_every_image_with_every_caption(model, batch):
    total, pictures = 0.0, [0, 1, 3]
    for picture in pictures:
        for owner in pictures:
            for caption in batch.captions[owner]:
                total += asymmetric(logit(model, batch, picture, caption[None]), picture == owner, 4)
    assert alignment(model, batch).item() == pytest.approx(total / 3, rel=1e-4)


def test_contrastive_compares_pooled_tokens_with_mean_captions(model, batch):
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


def test_the_total_is_weighted_and_the_parts_are_not(model, batch):
    weights = {"tagging": 0.5, "contrastive": 2.0}
    total, losses = total_loss(model, batch, weights, LossRecipe())
    assert set(losses) == set(weights)
    assert all(loss == OBJECTIVES[name](model, batch) for name, loss in losses.items())
    assert total.item() == pytest.approx(0.5 * losses["tagging"].item() + 2 * losses["contrastive"].item())


def term(name, logit, there, epoch):
    """One entry of a loss by its published formula."""
    p = 1 / (1 + math.exp(-logit))
    shifted = 1 / (1 + math.exp(1 - logit))  # the margin of 1
    if name == "bce":
        return -math.log(p if there else 1 - p)
    if there:
        return -((1 - shifted) ** 2) * math.log(shifted)
    if name == "hill":
        return (1.5 - p) * p**2
    if epoch >= 1 and p > 0.6:
        return -((1 - p) ** 2) * math.log(p)
    return -(p**2) * math.log(1 - p)


@pytest.mark.parametrize("epoch", [0, 1, 7])
@pytest.mark.parametrize("name", ["bce", "hill", "splc"])
def test_tags_and_captions_use_the_losses_of_the_recipe(model, batch, name, epoch):
    model.head.bias.data += 0.8  # so that some negatives are over 0.6
    of_tags = of_captions = 0.0
    for picture in range(4):
        for tag in range(3):
            if batch.known[picture, tag]:
                texts = batch.tags.embeddings[tag][batch.tags.mask[tag]]
                of_tags += term(name, logit(model, batch, picture, texts), batch.targets[picture, tag], epoch)
    for picture in (0, 1, 3):
        for owner in (0, 1, 3):
            for caption in batch.captions[owner]:
                of_captions += term(name, logit(model, batch, picture, caption[None]), picture == owner, epoch)
    weights, chosen = {"tagging": 1.0, "alignment": 1.0}, LossRecipe(name, name)
    _, losses = total_loss(model, changed(batch, epoch=epoch), weights, chosen)
    assert losses["tagging"].item() == pytest.approx(of_tags / 4, rel=1e-4)
    assert losses["alignment"].item() == pytest.approx(of_captions / 3, rel=1e-4)


def test_cross_entropy_lets_the_known_tags_of_a_picture_compete(model, batch):
    total = 0.0
    for picture in range(4):
        tags = [tag for tag in range(3) if batch.known[picture, tag]]
        texts = [batch.tags.embeddings[tag][batch.tags.mask[tag]] for tag in tags]
        scores = torch.tensor([logit(model, batch, picture, text) for text in texts])
        there = [i for i, tag in enumerate(tags) if batch.targets[picture, tag]]
        total -= sum(scores.log_softmax(0)[i].item() for i in there) / max(len(there), 1)
    assert tagging(model, batch, "ce").item() == pytest.approx(total / 4, rel=1e-4)


def test_cross_entropy_of_captions_is_clips_in_both_directions(model, batch):
    pictures = [0, 1, 3]
    rows = [[logit(model, batch, p, c[None]) for owner in pictures for c in batch.captions[owner]] for p in pictures]
    scores, owner = torch.tensor(rows), torch.tensor([0, 0, 1, 1, 2, 2])
    soft = F.one_hot(owner, 3).T / 2
    wanted = (F.cross_entropy(scores, soft) + F.cross_entropy(scores.T, owner)) / 2
    assert alignment(model, batch, "ce").item() == pytest.approx(wanted.item(), rel=1e-4)


def test_the_asymmetric_loss_is_the_default(model, batch):
    weights = {"tagging": 1.0, "alignment": 1.0}
    _, losses = total_loss(model, batch, weights, LossRecipe())
    assert losses["tagging"] == tagging(model, batch) and losses["alignment"] == alignment(model, batch)


@pytest.mark.parametrize("name", LOSSES)
def test_no_loss_learns_from_the_unknown(model, batch, name):
    batch.tags.embeddings.requires_grad_()
    only = changed(batch, known=batch.known & torch.tensor([True, False, True]))
    tagging(model, only, name).backward()
    gradient = batch.tags.embeddings.grad.abs().sum((1, 2))
    assert gradient[1] == 0 and gradient[0] > 0 and gradient[2] > 0


def test_distillation_skips_images_without_a_target(model, batch):
    taught = torch.randn(4, DIM)
    taught[1] = 0
    batch.features.tokens.requires_grad_()
    loss = distillation(model, changed(batch, taught=taught))
    pairs = [(batch.features.tokens[i, 0], taught[i]) for i in (0, 2, 3)]
    wanted = sum(abs(a - b) for p, t in pairs for a, b in zip(p.tolist(), t.tolist(), strict=True)) / (4 * DIM)
    assert loss.item() == pytest.approx(wanted, rel=1e-5)
    loss.backward()
    moved = batch.features.tokens.grad.abs().sum(2) > 0
    assert moved.sum() == 3 and moved[:, 0].tolist() == [True, False, True, True]


def test_a_batch_the_teacher_knows_nothing_of_costs_nothing(model, batch):
    assert distillation(model, changed(batch, taught=torch.zeros(4, DIM))).item() == 0


def test_retention_is_the_divergence_from_the_old_classifier(model, batch):
    before, now = torch.randn(4, 7).softmax(1), torch.randn(4, 7, requires_grad=True)
    seen = changed(batch, features=ImageFeatures(batch.features.tokens, now), probabilities=before)
    loss = retention(model, seen)
    pairs = [(p, q) for p, q in zip(before.flatten().tolist(), now.softmax(1).flatten().tolist(), strict=True)]
    assert loss.item() == pytest.approx(sum(p * math.log(p / q) for p, q in pairs) / 4, rel=1e-4)
    loss.backward()
    torch.testing.assert_close(now.grad, (now.softmax(1) - before) / 4)


def test_what_the_classifier_still_says_costs_nothing(model, batch):
    logits = 30 * torch.randn(4, 7)  # so sure that some probabilities are 0
    seen = changed(batch, features=ImageFeatures(batch.features.tokens, logits), probabilities=logits.softmax(1))
    assert retention(model, seen).item() == pytest.approx(0, abs=1e-5)


def test_a_loss_nobody_knows_is_named():
    with pytest.raises(ValueError, match=r"losses.alignment is 'asll': choose one of \['asl'"):
        LossRecipe(alignment="asll")


def test_unknown_tags_count_a_little_as_absent_where_wanted(model, batch):
    known = tagging(model, batch)
    absent = changed(batch, targets=torch.zeros_like(batch.targets), known=~batch.known)
    assert tagging(model, batch, unknown=0.25).item() == pytest.approx((known + 0.25 * tagging(model, absent)).item())
    with pytest.raises(ValueError, match="unknown"):
        LossRecipe(unknown=2.0)


def test_a_mosaic_is_matched_with_the_captions_of_both_images(model, batch):
    """Rows 0 (images 0 and 1), 1 (image 2, no caption) and 2 (image 3) against three images' captions."""
    mosaic = changed(batch, features=batch.features.rows(slice(0, 3)), shown_in=torch.tensor([0, 0, 1, 2]))
    features, captions, same = mosaic.paired()
    assert torch.equal(features.tokens, batch.features.tokens[[0, 2]])
    assert len(captions) == 3 and same.tolist() == [[True, True, False], [False, False, True]]
    terms = [
        asymmetric(logit(model, batch, row, text[None]), image in images, 4)
        for row, images in ((0, (0, 1)), (2, (3,)))
        for image in (0, 1, 3)
        for text in batch.captions[image]
    ]
    assert alignment(model, mosaic).item() == pytest.approx(sum(terms) / 3, rel=1e-4)


@pytest.mark.parametrize("unknown", [0.0, 0.3])
def test_sampled_negatives_give_the_full_loss_on_average(model, batch, unknown):
    full = tagging(model, batch, unknown=unknown)
    losses = []
    for seed in range(200):
        seeds = torch.arange(4) + 4 * seed
        samples = sample_tags(batch.targets, batch.known, negative_weights(batch.known, unknown), 2, seeds)
        losses.append(tagging(model, changed(batch, samples=samples), unknown=unknown).item())
    assert sum(losses) / len(losses) == pytest.approx(full.item(), rel=0.02)
    assert len({round(loss, 6) for loss in losses}) > 1
