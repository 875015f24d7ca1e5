"""Text embeddings of every tag's descriptions, as the network takes them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch


@dataclass(frozen=True)
class DescriptionEmbeddings:
    """Text embeddings of every tag's descriptions, ready to be scored.

    Args:
        embeddings: (tags, descriptions, dim) unit vectors.
        mask: (tags, descriptions) True where a description exists, or None where every tag has all of them.

    Raises:
        ValueError: the shapes do not fit.
    """

    embeddings: torch.Tensor
    mask: torch.Tensor | None = None

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

    def rows(self, index: slice | torch.Tensor) -> DescriptionEmbeddings:
        """Some of the tags, by a slice or a tensor of indices."""
        return DescriptionEmbeddings(self.embeddings[index], None if self.mask is None else self.mask[index])

    def split(self, size: int) -> list[DescriptionEmbeddings]:
        """The tags in chunks of at most ``size``; one empty chunk where there are none."""
        return [self.rows(slice(start, start + size)) for start in range(0, max(self.tags, 1), size)]

    def leave_one_out(self) -> DescriptionEmbeddings:
        """One tag with n descriptions as n tags that each lack one of them, in order.

        Raises:
            ValueError: there is more than one tag, or fewer than two descriptions.
        """
        mask = torch.ones(self.embeddings.shape[:2], dtype=torch.bool) if self.mask is None else self.mask
        existing = self.embeddings[mask.to(self.embeddings.device)]
        if self.tags != 1 or len(existing) < 2:
            raise ValueError("leaving descriptions out needs one tag with at least two of them")
        others = ~torch.eye(len(existing), dtype=torch.bool, device=existing.device)
        return DescriptionEmbeddings(existing.expand(len(existing), -1, -1), others)

    def widen(self, like: torch.Tensor) -> DescriptionEmbeddings:
        """The embeddings in the dtype of another tensor, where that is wider than their own."""
        wider = torch.promote_types(self.embeddings.dtype, like.dtype)
        return replace(self, embeddings=self.embeddings.to(wider))

    def to(self, device: torch.device | str, dtype: torch.dtype) -> DescriptionEmbeddings:
        """The embeddings on a device and in ``dtype``, the mask on that device."""
        mask = None if self.mask is None else self.mask.to(device)
        return DescriptionEmbeddings(self.embeddings.to(device, dtype), mask)
