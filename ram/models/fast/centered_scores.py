"""Re-weighting by centred descriptions without centring them: the same differences, taken of the similarities.

The similarity of an image with a description less its tag's mean is its similarity with the description, less the mean
of its similarities with all of the tag's. Only the length of that difference needs the embeddings, and no image changes
it.
"""

from __future__ import annotations

from types import MethodType

import torch
import torch.nn.functional as F

from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.lite.centered_reweighting import CenteredReweighting
from ram.models.reweighting import DescriptionReweighting


def center_similarities(reweighting: DescriptionReweighting) -> None:
    """Let a re-weighting that centres descriptions work on similarities; others are left alone."""
    if isinstance(reweighting, CenteredReweighting):
        reweighting.forward = MethodType(_reweight, reweighting)  # type: ignore[method-assign]


def _reweight(
    reweighting: CenteredReweighting, pooled: torch.Tensor, descriptions: DescriptionEmbeddings
) -> tuple[torch.Tensor, torch.Tensor]:
    """Twin of :meth:`CenteredReweighting.forward`."""
    bank, mask = descriptions.embeddings, descriptions.mask
    similarity = bank @ F.normalize(pooled, dim=-1).T  # (tags, descriptions, batch)
    if mask is None:
        similarity = similarity - similarity.mean(dim=1, keepdim=True)
    else:
        exists = mask[..., None].to(similarity.dtype)
        mean = (similarity * exists).sum(dim=1, keepdim=True) / exists.sum(dim=1, keepdim=True)
        similarity = (similarity - mean).masked_fill(~mask[..., None], -torch.inf)
    similarity = similarity / descriptions.distances()[..., None] * reweighting.log_scale.exp()
    weights = similarity.permute(2, 0, 1).softmax(dim=-1).to(bank.dtype)
    return torch.einsum("btn,tnd->btd", weights, bank), weights
