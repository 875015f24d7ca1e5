"""The random draws of a training step: images, views, tags, captions, mosaics and descriptions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch.nn.functional import normalize

from ram.models.description_embeddings import DescriptionEmbeddings
from ram.training.data.guided_captions import GuidedCaptions
from ram.training.data.mosaics import Mosaic
from ram.training.data.training_set import TrainingSet
from ram.training.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Draw:
    """The random draws of a step, alike in every process and however the batch is divided.

    Args:
        epoch: from 0.
        ids: (batch,) indices of the images.
        seeds: (batch,) seed of each image's view.
        tags: (tags,) indices of the queries that are scored, or all.
        captions: (batch, captions, dim) embeddings of the captions drawn for each image.
        captioned: (batch,) whether an image has any caption.
        mosaic: which images are joined.
        described: (tags, descriptions) False for descriptions that this step leaves out; None leaves out none.
        noise: (tags, dim) vector added to all descriptions of a tag; None adds none.
        guided: captions as ids, of images that are not joined; None where captioning is not learned.
    """

    epoch: int
    ids: torch.Tensor
    seeds: torch.Tensor
    tags: torch.Tensor | slice
    captions: torch.Tensor
    captioned: torch.Tensor
    mosaic: Mosaic
    described: torch.Tensor | None = None
    noise: torch.Tensor | None = None
    guided: GuidedCaptions | None = None

    @classmethod
    def of(
        cls, training: TrainingSet, recipe: Recipe, epoch: int, ids: torch.Tensor, generator: torch.Generator
    ) -> Draw:
        """Draw for a step over these images."""
        schedule = recipe.schedule
        seeds = torch.randint(2**62, (len(ids),), generator=generator)
        tags: torch.Tensor | slice = slice(None)
        if 0 < schedule.tags_per_step < training.triplets.targets.shape[1]:
            targets, _ = training.draw_tags(ids, seeds)
            tags = draw_tags(targets, schedule.tags_per_step, generator, schedule.random_tags)
        captions = training.draw_captions(ids, schedule.captions_per_picture, generator)
        mosaic = Mosaic.draw(len(ids), schedule.mosaics, generator)
        described = None
        if schedule.description_dropout:
            described = drop_descriptions(training.queries.mask[tags], schedule.description_dropout, generator)
        noise = None
        if schedule.description_noise:
            count, dim = training.queries.mask[tags].shape[0], training.queries.embedded.embeddings.shape[2]
            noise = schedule.description_noise * normalize(torch.randn(count, dim, generator=generator), dim=1)
        guided = None
        if training.sampler is not None:
            guided = training.sampler.draw(ids, schedule.captions_per_picture, generator, 2 * mosaic.pairs)
        return cls(epoch, ids, seeds, tags, *captions, mosaic, described, noise, guided)

    def vary(self, tags: DescriptionEmbeddings) -> DescriptionEmbeddings:
        """The descriptions of the drawn tags as this step has them: without some, and moved by the noise."""
        embeddings, mask = tags.embeddings, tags.mask
        if self.described is not None:
            mask = self.described.to(embeddings.device)
        if self.noise is not None:
            embeddings = normalize(embeddings + self.noise[:, None].to(embeddings), dim=2)
        return DescriptionEmbeddings(embeddings, mask)


def draw_tags(targets: torch.Tensor, count: int, generator: torch.Generator, others: int = 0) -> torch.Tensor:
    """Draw the tags of a step: all that occur in the batch, then random others up to ``count``.

    Every positive is learned, and a rare tag meets its negatives in proportion (the federated loss of Zhou et al.
    2021). It raises the probabilities of rare tags and does not change their ranking; thresholds are calibrated later.

    Args:
        targets: (batch, tags) booleans.
        count: tags to draw.
        generator: the source of randomness.
        others: random tags to draw at least.

    Returns:
        (drawn,) indices.
    """
    order = torch.randperm(targets.shape[1], generator=generator)
    occurs = targets.any(dim=0)[order]
    return torch.cat([order[occurs], order[~occurs]])[: max(count, int(occurs.sum()) + others)]


def drop_descriptions(mask: torch.Tensor, share: float, generator: torch.Generator) -> torch.Tensor:
    """Leave out about ``share`` of the descriptions in a (tags, descriptions) mask, but not all of a tag."""
    draws = torch.rand(mask.shape, generator=generator).masked_fill(~mask, -1.0)
    return mask & ((draws >= share) | (draws == draws.amax(dim=1, keepdim=True)))


def generator_for(*position: int | str) -> torch.Generator:
    """Return a generator whose draws depend on these values alone, so that a resumed run repeats them."""
    digest = hashlib.blake2b(repr(position).encode(), digest_size=4).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "big"))
