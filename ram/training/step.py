"""One step: everything random about it is drawn for the whole batch, then each process looks at its pieces."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from ram.models.ram import TaggingModel
from ram.models.reweighting import DescriptionEmbeddings
from ram.training.data.mosaics import Mosaic
from ram.training.data.training_set import TrainingSet
from ram.training.data.views import Request, View
from ram.training.distributed import World
from ram.training.objectives import Batch, total_loss
from ram.training.recipe import Recipe
from ram.training.schedule import PRECISIONS


def generator_for(*position: int | str) -> torch.Generator:
    """A generator whose draws depend on these values alone: nothing needs to be remembered to go on with a run."""
    digest = hashlib.blake2b(repr(position).encode(), digest_size=4).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "big"))


@dataclass(frozen=True, eq=False)
class Draw:
    """What chance decides in a step, alike in every process and however the batch is divided.

    Args:
        epoch: from 0.
        ids: (batch,) positions of the pictures.
        seeds: (batch,) of each picture's view.
        tags: (tags,) positions of the queries that are scored, or all.
        captions: (batch, captions, dim) embeddings of the captions drawn for each picture.
        captioned: (batch,) whether it has any.
        mosaic: which pictures are joined.
        described_by: (tags, descriptions) False for descriptions that this step leaves out; None leaves out none.
    """

    epoch: int
    ids: torch.Tensor
    seeds: torch.Tensor
    tags: torch.Tensor | slice
    captions: torch.Tensor
    captioned: torch.Tensor
    mosaic: Mosaic
    described_by: torch.Tensor | None = None

    @classmethod
    def of(
        cls, training: TrainingSet, recipe: Recipe, epoch: int, ids: torch.Tensor, generator: torch.Generator
    ) -> Draw:
        """A step over these pictures."""
        schedule = recipe.schedule
        seeds = torch.randint(2**62, (len(ids),), generator=generator)
        tags: torch.Tensor | slice = slice(None)
        if 0 < schedule.tags_per_step < training.triplets.targets.shape[1]:
            tags = draw_tags(training.triplets.targets[ids], schedule.tags_per_step, generator)
        captions = training.draw_captions(ids, schedule.captions_per_picture, generator)
        mosaic = Mosaic.draw(len(ids), schedule.mosaics, generator)
        described_by = None
        if schedule.description_dropout:
            mask = training.queries.mask[tags]
            described_by = drop_descriptions(mask, schedule.description_dropout, generator)
        return cls(epoch, ids, seeds, tags, *captions, mosaic, described_by)


class Step(nn.Module):
    """The losses of one piece of a batch.

    Args:
        model: what learns.
        training: what it learns from.
        recipe: how.
        pieces: equal parts of a batch, those of all processes.
        world: the processes; in round k they look at the pieces k * processes + rank at the same time.
    """

    def __init__(self, model: TaggingModel, training: TrainingSet, recipe: Recipe, pieces: int, world: World) -> None:
        super().__init__()
        self.model = model
        self.training_set = training
        self.recipe = recipe
        self.pieces = pieces
        self.world = world
        self.device = next(model.parameters()).device
        self.tags = training.queries.embedded.to(self.device, torch.float32)

    def forward(self, draw: Draw, round_: int, view: View) -> tuple[torch.Tensor, torch.Tensor]:
        """The piece's share of the total loss, with gradient, and of each objective's, (objectives,) without: summed
        over all pieces they are the losses of the whole batch."""
        recipe, dtype = self.recipe, PRECISIONS[self.recipe.schedule.precision]
        with attention_for(self.device), torch.autocast(self.device.type, dtype, enabled=dtype != torch.float32):
            total, losses = total_loss(self.model, self._batch(draw, round_, view), recipe.objectives, recipe.losses)
        return total, torch.stack(list(losses.values())).detach()

    def requests(self, draws: Iterable[Draw]) -> Iterator[Request]:
        """What this process will look at, round after round."""
        for draw in draws:
            for round_ in range(self.pieces // self.world.size):
                own = self.rows(draw, self.piece(round_))
                yield draw.ids[own], draw.seeds[own]

    def piece(self, round_: int) -> int:
        """The number of this process's piece in a round."""
        return round_ * self.world.size + self.world.rank

    def rows(self, draw: Draw, piece: int) -> slice:
        """Where a piece lies in the batch."""
        size = len(draw.ids) // self.pieces
        return slice(piece * size, (piece + 1) * size)

    def _batch(self, draw: Draw, round_: int, view: View) -> Batch:
        own = self.rows(draw, self.piece(round_))
        first = self.rows(draw, round_ * self.world.size)
        ids, training, device = draw.ids[own], self.training_set, self.device
        drawn = draw.tags if isinstance(draw.tags, slice) else draw.tags.to(device)
        encoder, mosaic = self.model.image_encoder, draw.mosaic
        patches = mosaic.join_patches(training.pictures.patches(encoder, view))
        targets, known = training.triplets.targets[ids][:, draw.tags], training.triplets.known[ids][:, draw.tags]
        targets, known = mosaic.join_tags(targets, known)
        taught = None if training.teacher is None else training.teacher.teach(ids, view.teacher_pixels)
        probabilities = None if training.probabilities is None else training.probabilities[ids]
        return Batch(
            features=encoder.embed(patches),
            tags=_described_by(self.tags.rows(drawn), draw.described_by),
            targets=targets.to(device),
            known=known.to(device),
            captions=draw.captions.to(device),
            captioned=draw.captioned.to(device),
            taught=None if taught is None else mosaic.leave_out(taught).to(device),
            probabilities=None if probabilities is None else mosaic.leave_out(probabilities).to(device),
            epoch=draw.epoch,
            own=own,
            together=slice(first.start, first.start + (own.stop - own.start) * self.world.size),
            gather=self.world.gather,
            shown_in=mosaic.owners(len(ids)) if mosaic.pairs else None,
        )


def attention_for(device: torch.device) -> AbstractContextManager[None]:
    """Plain attention on a CPU, where the backward pass of the fused one takes a fifth of a step's time."""
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()


def draw_tags(targets: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """Positions of the tags of a step: all that occur in the batch, then others at random up to ``count``.

    Every positive is learnt from, and a rare tag meets its negatives in proportion (the federated loss of Zhou et al.
    2021). It lifts the probabilities of rare tags and leaves their ranking alone; thresholds are calibrated after it.
    """
    order = torch.randperm(targets.shape[1], generator=generator)
    occurs = targets.any(dim=0)[order]
    return torch.cat([order[occurs], order[~occurs]])[: max(count, int(occurs.sum()))]


def drop_descriptions(mask: torch.Tensor, share: float, generator: torch.Generator) -> torch.Tensor:
    """(tags, descriptions) True where a description exists to those that stay, of every tag at least one."""
    draws = torch.rand(mask.shape, generator=generator).masked_fill(~mask, -1.0)
    return mask & ((draws >= share) | (draws == draws.amax(dim=1, keepdim=True)))


def _described_by(tags: DescriptionEmbeddings, mask: torch.Tensor | None) -> DescriptionEmbeddings:
    return tags if mask is None else DescriptionEmbeddings(tags.embeddings, mask.to(tags.embeddings.device))
