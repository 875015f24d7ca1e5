"""Which tags belong to which pictures, kept as ids: 14 million pictures times 4,585 tags do not fit a memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True, eq=False)
class TagRows:
    """(n, tags) booleans of which only what is True is kept; indexing gives plain tensors.

    Args:
        ids: tag ids, one row after the other.
        first: (rows + 1,) where each row begins in ``ids``.
        row: (n,) the row of each picture; pictures may share one.
        tags: how many there are.
    """

    ids: torch.Tensor
    first: torch.Tensor
    row: torch.Tensor
    tags: int

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]], tags: int) -> TagRows:
        """One row a picture.

        Raises:
            ValueError: an id is not below ``tags``.
        """
        ids = torch.tensor([id_ for row in rows for id_ in row], dtype=torch.int32)
        if outside := ids[(ids < 0) | (ids >= tags)].tolist():
            raise ValueError(f"a picture has the tag id {outside[0]}, but the vocabulary has {tags} tags")
        first = torch.tensor([0, *map(len, rows)]).cumsum(0)
        return cls(ids, first, torch.arange(len(rows)), tags)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, tags)."""
        return len(self.row), self.tags

    def __getitem__(self, positions: torch.Tensor | slice) -> torch.Tensor:
        """Pictures by position to (n, tags) booleans; ``[:]`` is all of them."""
        pictures, ids = self._pairs(self.row[positions])
        dense = torch.zeros(len(self.row[positions]), self.tags, dtype=torch.bool)
        dense[pictures, ids] = True
        return dense

    def select(self, positions: torch.Tensor) -> TagRows:
        """The rows of these pictures."""
        return TagRows(self.ids, self.first, self.row[positions], self.tags)

    def used(self, group: torch.Tensor) -> TagRows:
        """For each picture the tags that any picture of its ``group`` (n,) has."""
        pictures, ids = self._pairs(self.row)
        pairs = (group[pictures] * self.tags + ids).unique()
        counts = torch.bincount(pairs // self.tags, minlength=int(group.max()) + 1)
        first = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        return TagRows((pairs % self.tags).to(torch.int32), first, group, self.tags)

    def _pairs(self, row: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows (n,) to positions in it and tag ids, a pair for each True."""
        counts = self.first[row + 1] - self.first[row]
        positions = torch.arange(len(row)).repeat_interleave(counts)
        within = torch.arange(len(positions)) - (counts.cumsum(0) - counts)[positions]
        return positions, self.ids[self.first[row][positions] + within].long()
