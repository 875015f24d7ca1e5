"""Text embeddings of every tag's descriptions, as the network takes them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

_EQUAL = 1e-3
"""Distance of two means below which they are equal: the vectors have length 1, and 16 bits change them by 3e-4."""


@dataclass(frozen=True)
class DescriptionEmbeddings:
    """Text embeddings of every tag's descriptions, ready to be scored.

    Args:
        embeddings: (tags, descriptions, dim) unit vectors.
        mask: (tags, descriptions) True where a description exists, or None where every tag has all of them.
        spread: (tags, descriptions) of :meth:`distances`, where they were computed before.

    Raises:
        ValueError: the shapes do not fit.
    """

    embeddings: torch.Tensor
    mask: torch.Tensor | None = None
    spread: torch.Tensor | None = None

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

    def distances(self) -> torch.Tensor:
        """(tags, descriptions): Euclidean distance of each description from the mean of its tag, at least 1e-12.

        In float32 whatever the dtype of the embeddings: float16 has no 1e-12.
        """
        if self.spread is not None:
            return self.spread
        return self.differences().norm(dim=-1).clamp(min=1e-12)

    def differences(self) -> torch.Tensor:
        """(tags, descriptions, dim): differences of the embeddings from the mean of their tag, in float32."""
        return (self.embeddings - self.mean()[:, None]).float()

    def equal_pairs(self) -> list[tuple[int, int]]:
        """Tags that a model cannot tell apart, each with the first one of equal embeddings, in order.

        Tags are equal where the means of their descriptions are, within what rounding and batching change.
        """
        means = self.mean().float().cpu()
        direction = torch.cos(torch.arange(means.shape[1], dtype=torch.float32))
        along, order = (means @ (direction / direction.norm())).sort()
        first = list(range(len(means)))
        for shift in range(1, len(means)):  # equal tags are neighbours in any direction
            near = (along[shift:] - along[:-shift] < _EQUAL).nonzero()[:, 0]
            if not len(near):
                break
            mine, others = order[near], order[near + shift]
            equal = (means[mine] - means[others]).norm(dim=1) < _EQUAL
            for a, b in zip(mine[equal].tolist(), others[equal].tolist(), strict=True):
                first[max(a, b)] = min(first[max(a, b)], a, b)
        return [(earlier, later) for later, earlier in enumerate(first) if earlier != later]

    def rows(self, index: slice | torch.Tensor) -> DescriptionEmbeddings:
        """Some of the tags, by a slice or a tensor of indices."""
        parts = {name: part[index] for name, part in vars(self).items() if part is not None}
        return DescriptionEmbeddings(**parts)

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
        """The embeddings on a device and in ``dtype``, their mask on that device; distances are computed anew."""
        mask = None if self.mask is None else self.mask.to(device)
        return DescriptionEmbeddings(self.embeddings.to(device, dtype), mask)
