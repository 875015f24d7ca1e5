"""Re-weighting a block of tags at a time: the bank is read from memory once, which is what takes the time."""

from __future__ import annotations

from types import MethodType

import torch
import torch.nn.functional as F

from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.reweighting import DescriptionReweighting

BLOCK_BYTES = 2**22
"""Bytes of a bank on a CPU that are weighed and blended before the next: they stay in the processor's cache."""


def reweight_in_blocks(reweighting: DescriptionReweighting) -> None:
    """Let a re-weighting work block by block; the plain mean is left alone."""
    if type(reweighting) is DescriptionReweighting:
        reweighting.forward = MethodType(_reweight, reweighting)  # type: ignore[method-assign]


def _reweight(
    reweighting: DescriptionReweighting, pooled: torch.Tensor, descriptions: DescriptionEmbeddings
) -> tuple[torch.Tensor, torch.Tensor]:
    """Twin of :meth:`DescriptionReweighting.forward`."""
    bank = descriptions.embeddings
    on_cpu = bank.device.type == "cpu" and len(bank) > 0
    blocks = descriptions.split(max(1, BLOCK_BYTES // bank[0].nbytes)) if on_cpu else [descriptions]
    towards = F.normalize(pooled, dim=-1).T
    parts = [_blend(reweighting, towards, block) for block in blocks]
    blended, weights = (torch.cat(part).transpose(0, 1) for part in zip(*parts, strict=True))
    return blended, weights


def _blend(
    reweighting: DescriptionReweighting, towards: torch.Tensor, descriptions: DescriptionEmbeddings
) -> tuple[torch.Tensor, torch.Tensor]:
    """(dim, batch) and (tags, descriptions, dim) to (tags, batch, dim) and (tags, batch, descriptions)."""
    bank = descriptions.embeddings
    similarity = torch.bmm(bank, towards.expand(len(bank), -1, -1)).mT * reweighting.log_scale.exp()
    if descriptions.mask is not None:
        similarity = similarity.masked_fill(~descriptions.mask[:, None], -torch.inf)
    weights = similarity.softmax(dim=-1).to(bank.dtype)
    return torch.bmm(weights, bank), weights
