"""Losses of the papers as plain functions of logits or embeddings."""

import torch
import torch.nn.functional as F

_TINY = 1e-8


def asymmetric_loss(
    logits: torch.Tensor,
    targets: torch.Tensor,
    gamma_neg: float = 7.0,
    gamma_pos: float = 0.0,
    clip: float = 0.05,
) -> torch.Tensor:
    """Asymmetric loss: easy negatives count little, the easiest not at all (Ridnik et al. 2021).

    Tags use gamma_neg 7, batch texts 4 (RAM++, section 3.2). The focusing weight carries no gradient, as in
    the published training.

    Args:
        logits: any shape.
        targets: same shape, 0 or 1.
        gamma_neg, gamma_pos: focusing of negatives and positives; 0 is cross entropy.
        clip: probability margin subtracted from negatives.

    Returns:
        The **sum** over all entries, a scalar in float32.
    """
    positive = logits.float().sigmoid()
    negative = (1 - positive + clip).clamp(max=1.0)
    targets = targets.to(positive.dtype)
    likelihood = targets * positive.clamp(min=_TINY).log() + (1 - targets) * negative.clamp(min=_TINY).log()
    with torch.no_grad():
        certainty = torch.where(targets > 0, positive, negative)
        focus = (1 - certainty) ** torch.where(targets > 0, gamma_pos, gamma_neg)
    return -(likelihood * focus).sum()


def binary_cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Plain binary cross entropy, summed over all entries: the first row of RAM++'s Table 11.

    Args:
        logits: any shape.
        targets: same shape, 0 or 1.
    """
    return F.binary_cross_entropy_with_logits(logits.float(), targets.float(), reduction="sum")


def hill_loss(
    logits: torch.Tensor, targets: torch.Tensor, lamb: float = 1.5, margin: float = 1.0, gamma: float = 2.0
) -> torch.Tensor:
    """Hill loss: negatives that look like missing labels cost less (Zhang et al. 2021, section 3.2).

    Negatives cost (lamb - p) p^2, which over the logit is steepest in the middle and flat at both ends; positives cost
    a focal loss on the logit less a margin. The focal weight carries gradient, as published.

    Args:
        logits: any shape.
        targets: same shape, 0 or 1.
        lamb: lambda of the paper.
        margin: subtracted from the logit of a positive.
        gamma: focus on hard positives.

    Returns:
        The **sum** over all entries, a scalar in float32.
    """
    logits = logits.float()
    shifted, p = logits - margin, logits.sigmoid()
    positive = -F.logsigmoid(shifted) * (-shifted).sigmoid() ** gamma
    return torch.where(targets > 0, positive, (lamb - p) * p.square()).sum()


def splc_loss(
    logits: torch.Tensor,
    targets: torch.Tensor,
    correct: bool,
    tau: float = 0.6,
    margin: float = 1.0,
    gamma: float = 2.0,
) -> torch.Tensor:
    """Self-paced loss correction over the focal margin loss (Zhang et al. 2021, section 3.3).

    A negative with a probability over ``tau`` is taken for a missing label and becomes a positive without the margin.
    The first epoch is without correction, as published.

    Args:
        logits: any shape.
        targets: same shape, 0 or 1.
        correct: treat negatives over ``tau`` as missing labels.
        tau: probability over which a negative becomes a positive.
        margin: subtracted from the logit of a positive.
        gamma: focus on hard entries; its weight carries gradient.

    Returns:
        The **sum** over all entries, a scalar in float32.
    """
    there = targets > 0
    logits = torch.where(there, logits.float() - margin, logits.float())
    if correct:
        there = there | (logits.sigmoid() > tau)
    right = torch.where(there, logits, -logits)
    return -(F.logsigmoid(right) * (-right).sigmoid() ** gamma).sum()


def softmax_cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cross entropy of each row's softmax with its positives, all of equal weight: CLIP's loss where there is one.

    Args:
        logits: (rows, columns); minus infinity where an entry is left out.
        targets: same shape, 0 or 1; a row without a positive costs nothing.

    Returns:
        The **sum** over rows, a scalar in float32.
    """
    share = targets.float() / targets.sum(dim=1, keepdim=True).clamp(min=1)
    likelihood = torch.where(targets > 0, logits.float().log_softmax(dim=1), 0.0)
    return -(share * likelihood).sum()


def distillation_loss(pooled: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """L1 distance, averaged, of the **unnormalised** pooled token to the teacher's, both (batch, dim)."""
    return F.l1_loss(pooled.float(), teacher.float())


def caption_loss(
    logits: torch.Tensor, targets: torch.Tensor, known: torch.Tensor, smoothing: float = 0.1
) -> torch.Tensor:
    """Cross entropy of a caption's tokens with label smoothing (Tag2Text, section 3.3).

    Args:
        logits: (batch, n, vocabulary).
        targets: (batch, n) ids.
        known: (batch, n) False where there is no target.
        smoothing: share of the target that goes to all tokens alike.

    Returns:
        The **mean** over the known tokens, a scalar in float32.
    """
    return F.cross_entropy(logits[known].float(), targets[known], label_smoothing=smoothing)


def scaled_to(loss: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """The loss at the size of another, so that both weigh equally: RAM's and Tag2Text's tag loss at the caption's."""
    return loss / (loss / other).detach()
