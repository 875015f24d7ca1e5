"""Where features of training pictures come from: cached patches of a frozen backbone, or pixels of a learning one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import torch

from ram.config import ImageConfig
from ram.image import EvalTransform, TrainTransform
from ram.models.image_encoder import ImageEncoder, ImageFeatures
from ram.training.decoding import open_training_picture
from ram.training.patches import PatchCache, channel_statistics
from ram.training.shards import ShardPicture
from ram.training.stages import Stages


class PictureSource(Protocol):
    """Gives the features of training pictures, freshly drawn views of them."""

    def look(self, encoder: ImageEncoder, ids: torch.Tensor, seeds: torch.Tensor) -> ImageFeatures:
        """(n,) picture positions, each with the seed of its view, to features on the encoder's device."""
        ...

    def look_plainly(self, encoder: ImageEncoder, ids: torch.Tensor) -> ImageFeatures:
        """The same as evaluation sees the pictures."""
        ...

    def plain_patches(self, encoder: ImageEncoder, ids: torch.Tensor) -> torch.Tensor:
        """(n,) picture positions to the backbone's (n, patches, channels), as evaluation sees the pictures."""
        ...

    def statistics(self, encoder: ImageEncoder) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation of each channel of the backbone's patches, two of (channels,)."""
        ...


class PatchSource:
    """Views cached once by a frozen backbone, or by its frozen part where the last stages learn."""

    def __init__(self, cache: PatchCache, stages: Stages | None = None) -> None:
        self.cache = cache
        self.stages = stages

    def look(self, encoder: ImageEncoder, ids: torch.Tensor, seeds: torch.Tensor) -> ImageFeatures:
        """(n,) picture positions to features of one drawn view each."""
        return encoder.embed(self._patches(encoder, ids, seeds % self.cache.shape[0]))

    def look_plainly(self, encoder: ImageEncoder, ids: torch.Tensor) -> ImageFeatures:
        """(n,) picture positions to features of view 0."""
        return encoder.embed(self.plain_patches(encoder, ids))

    def plain_patches(self, encoder: ImageEncoder, ids: torch.Tensor) -> torch.Tensor:
        """(n,) picture positions to (n, patches, channels) of view 0."""
        return self._patches(encoder, ids, torch.zeros_like(ids))

    @torch.no_grad()
    def statistics(self, encoder: ImageEncoder) -> tuple[torch.Tensor, torch.Tensor]:
        """Of view 0 of all pictures, or of a sample of them where stages learn."""
        if self.stages is None:
            return self.cache.statistics()
        return channel_statistics(self.plain_patches(encoder, ids).cpu() for ids in _sample(self.cache.shape[1]))

    def _patches(self, encoder: ImageEncoder, ids: torch.Tensor, views: torch.Tensor) -> torch.Tensor:
        cached = self.cache.batch(ids, views).to(encoder.project.weight.device)
        return cached if self.stages is None else encoder.coarsen(self.stages.finish(cached))


class PixelSource:
    """Pictures decoded and cropped anew each time, for a backbone that learns."""

    def __init__(self, pictures: Sequence[Path | ShardPicture], image: ImageConfig) -> None:
        self.pictures = pictures
        self.evaluation, self.training = transforms(image)

    def look(self, encoder: ImageEncoder, ids: torch.Tensor, seeds: torch.Tensor) -> ImageFeatures:
        """(n,) picture positions to features of a new random crop each."""
        pixels = [
            self.training(open_training_picture(self.pictures[i]), torch.Generator().manual_seed(seed))
            for i, seed in zip(ids.tolist(), seeds.tolist(), strict=True)
        ]
        return encoder.embed(self._patches(encoder, pixels))

    def look_plainly(self, encoder: ImageEncoder, ids: torch.Tensor) -> ImageFeatures:
        """(n,) picture positions to features of the whole pictures."""
        return encoder.embed(self.plain_patches(encoder, ids))

    def plain_patches(self, encoder: ImageEncoder, ids: torch.Tensor) -> torch.Tensor:
        """(n,) picture positions to (n, patches, channels) of the whole pictures."""
        return self._patches(encoder, [self.evaluation(open_training_picture(self.pictures[i])) for i in ids.tolist()])

    @torch.no_grad()
    def statistics(self, encoder: ImageEncoder, sample: int = 512) -> tuple[torch.Tensor, torch.Tensor]:
        """Of a sample of the pictures, evenly spread."""
        batches = _sample(len(self.pictures), sample)
        return channel_statistics(self.plain_patches(encoder, ids).cpu() for ids in batches)

    def _patches(self, encoder: ImageEncoder, pixels: list[torch.Tensor]) -> torch.Tensor:
        return encoder.patches(torch.stack(pixels).to(encoder.project.weight.device))


def cached_patches(
    path: Path,
    pictures: Sequence[Path | ShardPicture],
    image: ImageConfig,
    encoder: ImageEncoder,
    views: int,
    progress: Callable[[int, int], None],
    stages: Stages | None = None,
) -> PatchSource:
    """Patches of all pictures in ``views`` views, or what comes before them where the last ``stages`` learn; from
    ``path`` or made now and kept there."""
    begin = encoder.patches if stages is None else stages.begin
    device = encoder.project.weight.device

    @torch.inference_mode()
    def encode(pixels: torch.Tensor) -> torch.Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            patches = begin(pixels.to(device).contiguous(memory_format=torch.channels_last))
        return patches.float().cpu()

    return PatchSource(PatchCache.fill(path, pictures, encode, transforms(image), views, progress), stages)


def _sample(count: int, most: int = 512, batch: int = 32) -> tuple[torch.Tensor, ...]:
    """Batches of evenly spread positions."""
    return torch.arange(0, count, -(-count // most)).split(batch)


def transforms(image: ImageConfig) -> tuple[EvalTransform, TrainTransform]:
    """How evaluation and training see pictures, from the model's statistics."""
    statistics = (image.size, image.mean, image.std, image.interpolation)
    return EvalTransform(*statistics), TrainTransform(*statistics)
