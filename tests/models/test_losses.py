"""Losses against the formulas of the papers, entry by entry."""

import math

import pytest
import torch
import torch.nn.functional as F

from ram.models.losses import (
    asymmetric_loss,
    binary_cross_entropy,
    distillation_loss,
    hill_loss,
    softmax_cross_entropy,
    splc_loss,
)

SETTINGS = [(7, 0, 0.05), (4, 0, 0.05), (4, 1, 0.05), (4, 1, 0.0), (0, 0, 0.0)]


@pytest.fixture
def logits():
    return 3 * torch.randn(4, 9)


@pytest.fixture
def targets():
    return (torch.rand(4, 9) > 0.6).float()


def loss_by_loop(logits, targets, gamma_neg, gamma_pos, clip):
    """Ridnik et al. 2021: (1 - p)^g+ log p where the tag is there, q^g- log(1 - q), q = max(p - clip, 0) where not."""
    total = 0.0
    for x, y in zip(logits.double().flatten().tolist(), targets.flatten().tolist(), strict=True):
        p = 1 / (1 + math.exp(-x))
        q = max(p - clip, 0)
        total -= (1 - p) ** gamma_pos * math.log(p) if y else q**gamma_neg * math.log(1 - q)
    return total


@pytest.mark.parametrize("gamma_neg, gamma_pos, clip", SETTINGS)
def test_the_asymmetric_loss_is_the_sum_over_all_entries(logits, targets, gamma_neg, gamma_pos, clip):
    loss = asymmetric_loss(logits, targets, gamma_neg, gamma_pos, clip)
    assert loss.item() == pytest.approx(loss_by_loop(logits, targets, gamma_neg, gamma_pos, clip), rel=1e-5)


def test_without_focus_and_clip_it_is_cross_entropy(logits, targets):
    wanted = F.binary_cross_entropy_with_logits(logits, targets, reduction="sum")
    torch.testing.assert_close(asymmetric_loss(logits, targets, gamma_neg=0, clip=0), wanted)


def test_the_defaults_are_those_for_tags(logits, targets):
    assert torch.equal(asymmetric_loss(logits, targets), asymmetric_loss(logits, targets, 7, 0, 0.05))


def test_the_focus_carries_no_gradient(logits, targets):
    logits.requires_grad_()
    asymmetric_loss(logits, targets).backward()
    p = logits.detach().double().sigmoid()
    q = (p - 0.05).clamp(min=0)
    there = p - 1
    absent = torch.where(q > 0, q**7 / (1 - q) * p * (1 - p), 0.0)  # d/dx of -log(1 - q), times the fixed focus
    torch.testing.assert_close(logits.grad.double(), torch.where(targets > 0, there, absent), atol=1e-5, rtol=1e-4)


def test_a_negative_below_the_clip_has_no_loss_or_gradient():
    logits = torch.tensor([[-4.0, -3.0]], requires_grad=True)  # probabilities 0.018 and 0.047
    loss = asymmetric_loss(logits, torch.zeros(1, 2), gamma_neg=4)
    loss.backward()
    assert loss.item() == 0 and logits.grad.abs().sum().item() == 0


@pytest.mark.parametrize("extreme", [-1e4, -100.0, 100.0, 1e4])
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_the_surest_logits_stay_finite(extreme, target):
    logits = torch.tensor([extreme], requires_grad=True)
    loss = asymmetric_loss(logits, torch.tensor([target]), 4, 1)
    loss.backward()
    assert loss.isfinite() and logits.grad.isfinite().all()


def test_half_precision_logits_are_summed_in_single_precision():
    logits = torch.full((200, 50), 0.5, dtype=torch.bfloat16)
    loss = asymmetric_loss(logits, torch.ones(200, 50, dtype=torch.long))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(10_000 * math.log(1 + math.exp(-0.5)), rel=1e-4)


def test_binary_cross_entropy_is_the_likelihood_of_every_entry(logits, targets):
    likelihood = 1.0
    for x, y in zip(logits.double().flatten().tolist(), targets.flatten().tolist(), strict=True):
        likelihood *= 1 / (1 + math.exp(-x if y else x))
    assert binary_cross_entropy(logits, targets).item() == pytest.approx(-math.log(likelihood), rel=1e-5)


def test_the_hill_loss_is_that_of_its_paper(logits, targets):
    """Zhang et al. 2021: -(1 - p_m)^2 log p_m, p_m of the logit less 1, where the tag is there; else (1.5 - p) p^2."""
    total = 0.0
    for x, y in zip(logits.double().flatten().tolist(), targets.flatten().tolist(), strict=True):
        p, p_m = 1 / (1 + math.exp(-x)), 1 / (1 + math.exp(1 - x))
        total += -((1 - p_m) ** 2) * math.log(p_m) if y else 1.5 * p**2 - p**3
    assert hill_loss(logits, targets).item() == pytest.approx(total, rel=1e-5)


def test_hill_loss_of_negatives_matches_hand_computation():
    cost = [hill_loss(torch.tensor([x]), torch.zeros(1)).item() for x in (0.0, 100.0)]
    assert cost == pytest.approx([0.25, 0.5])
    top = torch.tensor([100.0, 1.0], requires_grad=True)
    hill_loss(top, torch.zeros(2)).backward()
    p = 1 / (1 + math.exp(-1))
    assert top.grad.tolist() == pytest.approx([0, (3 * p - 3 * p**2) * p * (1 - p)], abs=1e-6)


def splc_by_loop(logits, targets, correct):
    """Zhang et al. 2021: the focal margin loss; a negative over 0.6 counts as a positive, but without the margin."""
    total = 0.0
    for x, y in zip(logits.double().flatten().tolist(), targets.flatten().tolist(), strict=True):
        x = x - 1 if y else x
        p = 1 / (1 + math.exp(-x))
        there = y or (correct and p > 0.6)
        total += -((1 - p) ** 2) * math.log(p) if there else -(p**2) * math.log(1 - p)
    return total


@pytest.mark.parametrize("correct", [False, True])
def test_splc_corrects_what_the_model_is_sure_of_once_it_may(logits, targets, correct):
    assert splc_loss(logits, targets, correct).item() == pytest.approx(splc_by_loop(logits, targets, correct), rel=1e-5)


def test_correction_turns_the_gradient_of_a_confident_negative():
    for correct, sign in ((False, 1), (True, -1)):
        logits = torch.tensor([1.0, 0.3], requires_grad=True)  # probabilities 0.73 and 0.57, the threshold is 0.6
        splc_loss(logits, torch.zeros(2), correct).backward()
        assert logits.grad.sign().tolist() == [sign, 1]


@pytest.mark.parametrize("loss", [hill_loss, lambda x, y: splc_loss(x, y, True), binary_cross_entropy])
@pytest.mark.parametrize("extreme", [-1e4, 1e4])
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_the_surest_logits_stay_finite_in_the_other_losses(loss, extreme, target):
    logits = torch.tensor([extreme], requires_grad=True)
    value = loss(logits, torch.tensor([target]))
    value.backward()
    assert value.isfinite() and logits.grad.isfinite().all()


def test_cross_entropy_shares_each_row_among_its_positives(logits, targets):
    targets[2] = 0  # a row without any costs nothing
    total = 0.0
    for row, there in zip(logits.double().tolist(), targets.tolist(), strict=True):
        whole = sum(map(math.exp, row))
        for x, y in zip(row, there, strict=True):
            total -= math.log(math.exp(x) / whole) / sum(there) if y else 0
    assert softmax_cross_entropy(logits, targets).item() == pytest.approx(total, rel=1e-5)


def test_cross_entropy_with_one_positive_a_row_is_torchs():
    logits, right = torch.randn(5, 7), torch.tensor([1, 0, 6, 3, 3])
    wanted = F.cross_entropy(logits, right, reduction="sum")
    torch.testing.assert_close(softmax_cross_entropy(logits, F.one_hot(right, 7)), wanted)


def test_cross_entropy_leaves_out_masked_entries():
    logits = torch.randn(3, 4, requires_grad=True)
    part = torch.tensor([[1, 1, 0, 1], [0, 0, 0, 0], [1, 0, 1, 1]]).bool()
    targets = torch.tensor([[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1]])
    loss = softmax_cross_entropy(logits.masked_fill(~part, -torch.inf), targets)
    loss.backward()
    wanted = F.cross_entropy(logits[0, [0, 1, 3]], torch.tensor(0))
    wanted = wanted + F.cross_entropy(logits[2, [0, 2, 3]], torch.tensor([0, 0.5, 0.5]))
    torch.testing.assert_close(loss, wanted)
    assert logits.grad.isfinite().all() and (logits.grad[~part] == 0).all() and (logits.grad[0, [0, 1, 3]] != 0).all()


def test_distillation_is_the_l1_distance_unnormalised():
    pooled, teacher = torch.randn(3, 5), torch.randn(3, 5)
    wanted = sum(abs(a - b) for a, b in zip(pooled.flatten().tolist(), teacher.flatten().tolist(), strict=True)) / 15
    assert distillation_loss(pooled, teacher).item() == pytest.approx(wanted, rel=1e-5)
    assert distillation_loss(2 * pooled, pooled).item() > 0
