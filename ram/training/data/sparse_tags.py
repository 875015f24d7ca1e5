"""A sparse boolean matrix of images and tags: 14 million images times 4,585 tags exceed the memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ram.errors import InputError


@dataclass(frozen=True, eq=False)
class TagRows:
    """(images, tags) booleans that are stored as the ids of those that are True; indexing gives dense tensors.

    Args:
        ids: tag ids, one row after the other.
        first: (rows + 1,) where each row begins in ``ids``.
        row: (images,) the row of each image; images may share one.
        tags: number of tags.
    """

    ids: torch.Tensor
    first: torch.Tensor
    row: torch.Tensor
    tags: int

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]], tags: int) -> TagRows:
        """Build from the tag ids of each image.

        Raises:
            InputError: an id is negative or not below ``tags``.
        """
        ids = torch.tensor([id_ for row in rows for id_ in row], dtype=torch.int32)
        if outside := ids[(ids < 0) | (ids >= tags)].tolist():
            raise InputError(f"a picture has the tag id {outside[0]}, but the vocabulary has {tags} tags")
        first = torch.tensor([0, *map(len, rows)]).cumsum(0)
        return cls(ids, first, torch.arange(len(rows)), tags)

    @property
    def shape(self) -> tuple[int, int]:
        """(images, tags)."""
        return len(self.row), self.tags

    def __getitem__(self, indices: torch.Tensor | slice) -> torch.Tensor:
        """Return (selected, tags) booleans of the images at these indices; ``[:]`` selects all."""
        pictures, ids = self._pairs(self.row[indices])
        dense = torch.zeros(len(self.row[indices]), self.tags, dtype=torch.bool)
        dense[pictures, ids] = True
        return dense

    def select(self, indices: torch.Tensor) -> TagRows:
        """Return the matrix of the images at these indices."""
        return TagRows(self.ids, self.first, self.row[indices], self.tags)

    def used(self, group: torch.Tensor) -> TagRows:
        """Return for each image the tags that any image of the same ``group`` (images,) has."""
        pictures, ids = self._pairs(self.row)
        pairs = (group[pictures] * self.tags + ids).unique()
        counts = torch.bincount(pairs // self.tags, minlength=int(group.max()) + 1)
        first = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        return TagRows((pairs % self.tags).to(torch.int32), first, group, self.tags)

    def _pairs(self, row: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return indices into ``row`` (n,) and tag ids, one pair for each True."""
        counts = self.first[row + 1] - self.first[row]
        indices = torch.arange(len(row)).repeat_interleave(counts)
        within = torch.arange(len(indices)) - (counts.cumsum(0) - counts)[indices]
        return indices, self.ids[self.first[row][indices] + within].long()
