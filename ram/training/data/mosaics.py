"""Mosaics: images joined in pairs, so that single-object photos make scenes of several objects."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ram.errors import InputError


@dataclass(frozen=True)
class Mosaic:
    """Which images of a batch are joined.

    The first ``2 * pairs`` images become ``pairs`` mosaics, neighbours side by side or one above the other; the rest
    stay as they are. Joining happens on patch tokens, after the backbone: each half is averaged to half the grid.

    Args:
        pairs: number of mosaics.
        stacked: (pairs,) True for one above the other.
    """

    pairs: int
    stacked: torch.Tensor

    @classmethod
    def draw(cls, images: int, share: float, generator: torch.Generator) -> Mosaic:
        """Join about ``share`` of a batch of ``images``."""
        pairs = int(images * share) // 2
        return cls(pairs, torch.rand(pairs, generator=generator) < 0.5)

    def join_patches(self, patches: torch.Tensor) -> torch.Tensor:
        """Join (images, patches, channels), row by row of a square with an even side, to (images - pairs, ...)."""
        if not self.pairs:
            return patches
        side = round(patches.shape[1] ** 0.5)
        if side**2 != patches.shape[1] or side % 2:
            raise InputError(f"mosaics need a square of patches with an even side, not {patches.shape[1]} patches")
        squares = patches[: 2 * self.pairs].unflatten(1, (side, side))
        wide = squares.unflatten(2, (side // 2, 2)).mean(dim=3)
        flat = squares.unflatten(1, (side // 2, 2)).mean(dim=2)
        beside = torch.cat([wide[0::2], wide[1::2]], dim=2).flatten(1, 2)
        above = torch.cat([flat[0::2], flat[1::2]], dim=1).flatten(1, 2)
        joined = torch.where(self.stacked.to(patches.device)[:, None, None], above, beside)
        return torch.cat([joined, patches[2 * self.pairs :]])

    def join_tags(self, targets: torch.Tensor, known: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Join (images, tags) booleans: a tag is there if either half has it, absent if both are known not to."""
        there = self.join_any(targets)
        one, other = slice(0, 2 * self.pairs, 2), slice(1, 2 * self.pairs, 2)
        certain = there[: self.pairs] | (known[one] & known[other])
        return there, torch.cat([certain, known[2 * self.pairs :]])

    def join_any(self, values: torch.Tensor) -> torch.Tensor:
        """Join (images, tags) booleans: what holds for either half."""
        halves = values[: 2 * self.pairs]
        return torch.cat([halves[0::2] | halves[1::2], values[2 * self.pairs :]])

    def leave_out(self, values: torch.Tensor) -> torch.Tensor:
        """(images, ...) of what is known of whole images only to (images - pairs, ...), zeros for mosaics."""
        return torch.cat([torch.zeros_like(values[: self.pairs]), values[2 * self.pairs :]])

    def owners(self, images: int) -> torch.Tensor:
        """(images,) row of :meth:`join_patches` that shows each image."""
        first = torch.arange(self.pairs).repeat_interleave(2)
        return torch.cat([first, torch.arange(images - 2 * self.pairs) + self.pairs])
