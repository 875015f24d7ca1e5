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
    def draw(
        cls, targets: torch.Tensor, known: torch.Tensor, weights: torch.Tensor, count: int, seed: int
    ) -> SampledTags:
        """Draw ``count`` negatives of an image, a tag as often as it counts.

        Args:
            targets, known: (tags,) booleans.
            weights: (tags,) how much each counts, should it be absent.
            count: negatives to draw; tags may be drawn twice.
            seed: of the draw.
        """
        present = targets & known
        weights = weights.masked_fill(present, 0.0)
        total = float(weights.sum())
        absent = torch.empty(0, dtype=torch.long)
        if total:
            generator = torch.Generator().manual_seed(seed)
            absent = torch.multinomial(weights, count, replacement=True, generator=generator)
        return cls(present.nonzero()[:, 0], absent, total / count)


def negative_weights(
    known: torch.Tensor, unknown: float, hard: torch.Tensor | None = None, harder: float = 1.0
) -> torch.Tensor:
    """(images, tags) how much each tag counts where it is absent.

    Args:
        known: (images, tags) booleans.
        unknown: weight of a tag of which nothing is known.
        hard: (images, tags) True for tags that look like one that the image has.
        harder: weight of these where they are known to be absent.
    """
    weights = torch.where(known, 1.0, unknown)
    return weights if hard is None else weights.masked_fill(hard & known, harder)


def sample_tags(
    targets: torch.Tensor, known: torch.Tensor, weights: torch.Tensor, count: int, seeds: torch.Tensor
) -> tuple[SampledTags, ...]:
    """Draw the negatives of each image; see :meth:`SampledTags.draw`.

    Args:
        targets, known: (images, tags) booleans.
        weights: (images, tags) of :func:`negative_weights`.
        count: negatives of each image.
        seeds: (images,) of the draws.
    """
    rows = zip(targets, known, weights, seeds.tolist(), strict=True)
    return tuple(SampledTags.draw(target, sure, weight, count, seed) for target, sure, weight, seed in rows)
