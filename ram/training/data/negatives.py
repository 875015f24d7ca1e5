"""Sampled negatives: few tags of each image that stand for all that it lacks. The decoder scores tags one by one."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True, eq=False)
class SampledTags:
    """Tags that one image is scored against.

    Args:
        present: (positives,) columns of the tags that it has.
        absent: (negatives,) columns drawn from the tags that count as absent.
        weight: how much each of ``absent`` counts, so that in expectation their loss is that of all.
    """

    present: torch.Tensor
    absent: torch.Tensor
    weight: float

    @classmethod
    def draw(cls, targets: torch.Tensor, known: torch.Tensor, unknown: float, count: int, seed: int) -> SampledTags:
        """Draw ``count`` negatives of an image, a tag that is not known to be absent as rarely as it counts.

        Args:
            targets, known: (tags,) booleans.
            unknown: weight of a tag of which nothing is known.
            count: negatives to draw; tags may be drawn twice.
            seed: of the draw.
        """
        present = targets & known
        weights = torch.where(known, 1.0, unknown).masked_fill(present, 0.0)
        total = float(weights.sum())
        absent = torch.empty(0, dtype=torch.long)
        if total:
            generator = torch.Generator().manual_seed(seed)
            absent = torch.multinomial(weights, count, replacement=True, generator=generator)
        return cls(present.nonzero()[:, 0], absent, total / count)


def sample_tags(
    targets: torch.Tensor, known: torch.Tensor, unknown: float, count: int, seeds: torch.Tensor
) -> tuple[SampledTags, ...]:
    """Draw the negatives of each image; see :meth:`SampledTags.draw`.

    Args:
        targets, known: (images, tags) booleans.
        unknown: weight of a tag of which nothing is known.
        count: negatives of each image.
        seeds: (images,) of the draws.
    """
    rows = zip(targets, known, seeds.tolist(), strict=True)
    return tuple(SampledTags.draw(target, sure, unknown, count, seed) for target, sure, seed in rows)
