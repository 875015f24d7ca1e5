"""From descriptions to decoder queries: blend each tag's descriptions to the picture, then project."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import nn

from ram.models.lite.standardize import Standardize

BLOCK_BYTES = 2**22
"""Of a bank on a CPU that is weighed and blended before the next: so much stays in the processor's cache between the
two, and memory, which is what takes the time, is read once."""


@dataclass(frozen=True)
class DescriptionEmbeddings:
    """Text embeddings of every tag's descriptions, ready to be scored.

    Args:
        embeddings: (tags, descriptions, dim) unit vectors.
        mask: (tags, descriptions) True where a description exists, or None where every tag has all of them.
        queries: (tags, hidden) what a model makes of the tags whatever the picture, where that was computed once (see
            :meth:`ram.models.ram.TaggingModel.prepare`); None where it depends on the picture.
        terms: tensors with a row a tag that the global similarity computed once, or none.
    """

    embeddings: torch.Tensor
    mask: torch.Tensor | None = None
    queries: torch.Tensor | None = None
    terms: tuple[torch.Tensor, ...] = ()

    def __post_init__(self) -> None:
        if self.embeddings.ndim != 3:
            raise ValueError(f"embeddings are (tags, descriptions, dim), not {tuple(self.embeddings.shape)}")
        if self.mask is not None and self.mask.shape != self.embeddings.shape[:2]:
            raise ValueError(f"mask {tuple(self.mask.shape)} does not fit embeddings {tuple(self.embeddings.shape)}")

    @property
    def tags(self) -> int:
        """Number of tags."""
        return self.embeddings.shape[0]

    def mean(self) -> torch.Tensor:
        """(tags, dim): the plain mean of each tag's descriptions."""
        if self.mask is None:
            return self.embeddings.mean(dim=1)
        mask = self.mask[..., None].to(self.embeddings.dtype)
        return (self.embeddings * mask).sum(dim=1) / mask.sum(dim=1)

    def rows(self, which: slice | torch.Tensor) -> DescriptionEmbeddings:
        """Some of the tags, by a slice or by a tensor of positions."""
        return DescriptionEmbeddings(
            self.embeddings[which],
            None if self.mask is None else self.mask[which],
            None if self.queries is None else self.queries[which],
            tuple(term[which] for term in self.terms),
        )

    def split(self, size: int | None) -> list[DescriptionEmbeddings]:
        """The tags in chunks of at most ``size``; in one where it is None, and an empty one where there are none."""
        size = size or max(self.tags, 1)
        return [self.rows(slice(start, start + size)) for start in range(0, max(self.tags, 1), size)]

    def each_left_out(self) -> DescriptionEmbeddings:
        """Of one tag with n descriptions, n tags that lack one of them each, in order; ValueError below two."""
        mask = torch.ones(self.embeddings.shape[:2], dtype=torch.bool) if self.mask is None else self.mask
        held = self.embeddings[mask.to(self.embeddings.device)]
        if self.tags != 1 or len(held) < 2:
            raise ValueError("leaving descriptions out needs one tag with at least two of them")
        kept = ~torch.eye(len(held), dtype=torch.bool, device=held.device)
        return DescriptionEmbeddings(held.expand(len(held), -1, -1), kept)

    def as_type(self, other: torch.Tensor) -> DescriptionEmbeddings:
        """The same in the dtype of another tensor, where that is wider."""
        wider = torch.promote_types(self.embeddings.dtype, other.dtype)
        return replace(self, embeddings=self.embeddings.to(wider))

    def to(self, device: torch.device | str, dtype: torch.dtype) -> DescriptionEmbeddings:
        """The same on a device, the embeddings in ``dtype``; what was computed once is left behind."""
        mask = None if self.mask is None else self.mask.to(device)
        return DescriptionEmbeddings(self.embeddings.to(device, dtype), mask)


class DescriptionReweighting(nn.Module):
    """Blend each tag's descriptions by how well they fit the picture (RAM++, section 3.3).

    With one description per tag this is the identity: that is RAM.
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
            pooled: (batch, dim) picture embedding, any norm.
            descriptions: of (tags, descriptions, dim).

        Returns:
            (batch, tags, dim) blended embeddings and (batch, tags, descriptions) weights that sum to 1 over
            each tag's own descriptions and are 0 where there is none.
        """
        towards = F.normalize(pooled, dim=-1).T
        parts = [self._blend(towards, block) for block in _blocks(descriptions)]
        blended, weights = (torch.cat(part).transpose(0, 1) for part in zip(*parts, strict=True))
        return blended, weights

    def _blend(self, towards: torch.Tensor, descriptions: DescriptionEmbeddings) -> tuple[torch.Tensor, torch.Tensor]:
        """(dim, batch) and (tags, descriptions, dim) to (tags, batch, dim) and (tags, batch, descriptions)."""
        bank = descriptions.embeddings
        if torch.is_grad_enabled():  # the other's gradient would hold the picture once for every tag
            similarity = bank @ towards
        else:  # tag by tag is faster
            similarity = torch.bmm(bank, towards.expand(len(bank), -1, -1))
        similarity = similarity.mT * self.log_scale.exp()
        if descriptions.mask is not None:
            similarity = similarity.masked_fill(~descriptions.mask[:, None], -torch.inf)
        weights = similarity.softmax(dim=-1).to(bank.dtype)
        return torch.bmm(weights, bank), weights


def _blocks(descriptions: DescriptionEmbeddings) -> list[DescriptionEmbeddings]:
    """The tags in parts that a CPU's cache holds; all of them elsewhere."""
    bank = descriptions.embeddings
    if bank.device.type != "cpu" or not len(bank):
        return [descriptions]
    return descriptions.split(max(1, BLOCK_BYTES // bank[0].nbytes))


class DescriptionEnsemble(DescriptionReweighting):
    """The plain mean of each tag's descriptions, the same for every picture (RAM++, Table 5): what re-weighting has to
    be better than."""

    def forward(self, pooled: torch.Tensor, descriptions: DescriptionEmbeddings) -> tuple[torch.Tensor, torch.Tensor]:
        """As above, with equal weights."""
        bank, mask = descriptions.embeddings, descriptions.mask
        there = torch.ones(bank.shape[:2], device=bank.device) if mask is None else mask.float()
        weights = (there / there.sum(dim=1, keepdim=True)).to(bank.dtype)
        return descriptions.mean().expand(len(pooled), -1, -1), weights.expand(len(pooled), -1, -1)


class TextQueries(nn.Module):
    """Blended text embeddings to decoder queries: a linear layer and a ReLU.

    Args:
        dim: width of the text embeddings.
        hidden: width of the decoder.
        standardize: bring the embeddings to mean 0 and deviation 1 a channel first; the official models do not.
    """

    def __init__(self, dim: int, hidden: int, standardize: bool = False) -> None:
        super().__init__()
        self.standardize = Standardize(dim) if standardize else nn.Identity()
        self.project = nn.Linear(dim, hidden)

    def forward(self, blended: torch.Tensor) -> torch.Tensor:
        """(batch, tags, dim) to (batch, tags, hidden)."""
        return F.relu(self.project(self.standardize(blended)))


class LearnedQueries(nn.Module):
    """Tag2Text's queries: each tag's own was learnt, and stands at the start of its row in the bank.

    A row is the query, the weight and the bias of the tag's head (:class:`ram.models.heads.OwnHead`), so that a
    bank can be cut into chunks and selected from like one of texts.

    Args:
        hidden: width of the decoder.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """(batch, tags, 2 * hidden + 1) to (batch, tags, hidden)."""
        return rows[..., : self.hidden]
