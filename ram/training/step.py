"""The losses of one training step, or of one piece of it, from the random draws."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from ram.models.ram import TaggingModel
from ram.training.data.negatives import negative_weights, sample_tags
from ram.training.data.training_set import TrainingSet
from ram.training.data.views import Request, View
from ram.training.distributed import World
from ram.training.draws import Draw
from ram.training.learned_tags import present_tags
from ram.training.objectives import Batch, total_loss
from ram.training.recipe import Recipe


class Step(nn.Module):
    """The losses of one piece of a batch.

    Args:
        model: what learns.
        training: what it learns from.
        recipe: how it learns.
        pieces: equal parts of a batch, those of all processes.
        world: the processes; in round k they compute the pieces k * processes + rank at the same time. Objectives
            compare the images of these pieces, with ``schedule.fixed_pieces`` those of each piece by itself.
    """

    def __init__(self, model: TaggingModel, training: TrainingSet, recipe: Recipe, pieces: int, world: World) -> None:
        super().__init__()
        self.model = model
        self.training_set = training
        self.recipe = recipe
        self.pieces = pieces
        self.world = world
        self.meeting = World() if recipe.schedule.fixed_pieces else world
        self.device = next(model.parameters()).device
        self.tags = None if recipe.model.learned else training.queries.embedded.to(self.device, torch.float32)

    def forward(self, draw: Draw, round_: int, view: View) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute the piece's share of the total loss, with gradient, and of each loss, (objectives,) without.

        Summed over all pieces they are the losses of the whole batch.
        """
        recipe, dtype = self.recipe, getattr(torch, self.recipe.schedule.precision)
        with attention_for(self.device), torch.autocast(self.device.type, dtype, enabled=dtype != torch.float32):
            batch = self._batch(draw, round_, view)
            total, losses = total_loss(self.model, batch, recipe.objectives, recipe.losses, recipe.captions)
        return total, torch.stack(list(losses.values())).detach()

    def requests(self, draws: Iterable[Draw]) -> Iterator[Request]:
        """Yield the images of this process, round after round."""
        for draw in draws:
            for round_ in range(self.rounds):
                own = self.rows(draw, self.piece(round_))
                yield draw.ids[own], draw.seeds[own]

    @property
    def rounds(self) -> int:
        """Number of pieces that each process computes, one after the other."""
        return self.pieces // self.world.size

    def piece(self, round_: int) -> int:
        """Return the index of this process's piece in a round."""
        return round_ * self.world.size + self.world.rank

    def rows(self, draw: Draw, piece: int) -> slice:
        """Return the rows of the batch that a piece covers."""
        size = len(draw.ids) // self.pieces
        return slice(piece * size, (piece + 1) * size)

    def _batch(self, draw: Draw, round_: int, view: View) -> Batch:
        own = self.rows(draw, self.piece(round_))
        start = self.rows(draw, self.piece(round_) - self.meeting.rank).start
        recipe, ids, training, device = self.recipe, draw.ids[own], self.training_set, self.device
        drawn = draw.tags if isinstance(draw.tags, slice) else draw.tags.to(device)
        encoder, mosaic = self.model.image_encoder, draw.mosaic
        patches = mosaic.join_patches(training.pictures.patches(encoder, view))
        targets, known = mosaic.join_tags(*(x[:, draw.tags] for x in training.draw_tags(ids, draw.seeds[own])))
        schedule, samples = recipe.schedule, None
        if schedule.negatives:
            seeds = draw.seeds[own][: len(targets)]
            hard = None if training.hard is None else mosaic.join_any(training.hard[ids][:, draw.tags])
            weights = negative_weights(known, recipe.losses.unknown, hard, schedule.hard_negatives)
            samples = sample_tags(targets, known, weights, schedule.negatives, seeds)
        taught = None if training.teacher is None else training.teacher.teach(ids, view.teacher_pixels)
        probabilities = None if training.probabilities is None else training.probabilities[ids]
        tags = present_tags(self.model, training.bank) if self.tags is None else self.tags
        shown_in = mosaic.owners(len(ids)) if mosaic.pairs else None
        return Batch(
            features=encoder.embed(patches),
            tags=draw.vary(tags.rows(drawn)),
            targets=targets.to(device),
            known=known.to(device),
            samples=samples,
            captions=draw.captions.to(device),
            captioned=draw.captioned.to(device),
            taught=None if taught is None else mosaic.leave_out(taught).to(device),
            probabilities=None if probabilities is None else mosaic.leave_out(probabilities).to(device),
            epoch=draw.epoch,
            own=own,
            together=slice(start, start + (own.stop - own.start) * self.meeting.size),
            gather=self.meeting.gather,
            shown_in=shown_in,
            guided=None if draw.guided is None else draw.guided.of(own, shown_in).to(device),
            consensus=training.sampler.consensus if training.sampler and "self_critical" in recipe.objectives else None,
            total=self.meeting.total,
        )


def attention_for(device: torch.device) -> AbstractContextManager[None]:
    """Select plain attention on a CPU, where the backward pass of fused attention takes a fifth of a step's time."""
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()
