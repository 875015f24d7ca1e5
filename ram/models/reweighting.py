"""Blend each tag's descriptions by the image (RAM++, equation 1), and project the blend to a query."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from ram.models.description_embeddings import DescriptionEmbeddings


class DescriptionReweighting(nn.Module):
    """Blend each tag's descriptions by how well they fit the image (RAM++, equation 1).

    With one description per tag this is the identity: that is RAM. The paper's projector heads are the image
    encoder's projection (g_v) and the frozen text encoder (g_w).

    Attributes:
        log_scale: logarithm of the temperature tau; starts at ln(1 / 0.07).
    """

    def __init__(self) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    @property
    def contrast_scale(self) -> torch.Tensor:
        """Inverse temperature of the contrast of pooled tokens and captions in training, a scalar."""
        return self.log_scale.exp()

    def forward(self, pooled: torch.Tensor, descriptions: DescriptionEmbeddings) -> tuple[torch.Tensor, torch.Tensor]:
        """Weigh and blend.

        Args:
            pooled: (batch, dim) image embedding, any norm.
            descriptions: of (tags, descriptions, dim).

        Returns:
            (batch, tags, dim) blended embeddings and (batch, tags, descriptions) weights that sum to 1 over
            each tag's own descriptions and are 0 where there is none.
        """
        bank, towards = descriptions.embeddings, F.normalize(pooled, dim=-1).T
        similarity = (self.keys(descriptions) @ towards).permute(2, 0, 1) * self.log_scale.exp()
        if descriptions.mask is not None:
            similarity = similarity.masked_fill(~descriptions.mask, -torch.inf)
        weights = similarity.softmax(dim=-1).to(bank.dtype)
        return torch.einsum("btn,tnd->btd", weights, bank), weights

    def keys(self, descriptions: DescriptionEmbeddings) -> torch.Tensor:
        """(tags, descriptions, dim) vectors that the pooled token is compared with: the embeddings themselves."""
        return descriptions.embeddings


class DescriptionEnsemble(DescriptionReweighting):
    """Blend each tag's descriptions with equal weights: the baseline of RAM++, Table 5."""

    def forward(self, pooled: torch.Tensor, descriptions: DescriptionEmbeddings) -> tuple[torch.Tensor, torch.Tensor]:
        """Average (tags, descriptions, dim) for each of (batch, dim); shapes are those of the re-weighting."""
        bank, mask = descriptions.embeddings, descriptions.mask
        exists = torch.ones(bank.shape[:2], device=bank.device) if mask is None else mask.float()
        weights = (exists / exists.sum(dim=1, keepdim=True)).to(bank.dtype)
        batch = pooled.shape[0]  # len() would fix it in an exported graph
        return descriptions.mean().expand(batch, -1, -1), weights.expand(batch, -1, -1)


class TextQueries(nn.Module):
    """Project blended text embeddings to decoder queries: a linear layer and a ReLU.

    Args:
        dim: width of the text embeddings.
        hidden: width of the decoder.
    """

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.project = nn.Linear(dim, hidden)

    def forward(self, blended: torch.Tensor) -> torch.Tensor:
        """(batch, tags, dim) to (batch, tags, hidden)."""
        return F.relu(self.project(blended))
