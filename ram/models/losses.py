"""Losses of the papers, each a plain function over logits or embeddings."""

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
        gamma_neg, gamma_pos: how strongly easy negatives and positives are played down; 0 is cross entropy.
        clip: probability by which negatives are shifted towards certain.

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


def distillation_loss(pooled: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Mean absolute distance of the **unnormalised** pooled token to the teacher's, both (batch, dim)."""
    return F.l1_loss(pooled.float(), teacher.float())


def contrastive_loss(pooled: torch.Tensor, texts: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Symmetric cross entropy between matching pictures and texts of a batch (CLIP).

    Args:
        pooled: (batch, dim) picture embeddings, any norm.
        texts: (batch, dim) text embeddings; row i belongs to picture i.
        scale: inverse temperature that multiplies the cosines.
    """
    cosine = F.normalize(pooled.float(), dim=-1) @ F.normalize(texts.float(), dim=-1).T
    labels = torch.arange(len(pooled), device=pooled.device)
    return (F.cross_entropy(scale * cosine, labels) + F.cross_entropy(scale * cosine.T, labels)) / 2
