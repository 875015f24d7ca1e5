"""Where features of training pictures come from: cached patches of a frozen backbone, or pixels of a learning one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from ram.images.transforms import EvalTransform, TrainTransform
from ram.models.config import ImageConfig
from ram.models.image_encoder import ImageEncoder, ImageFeatures
from ram.training.data.decoding import open_training_picture, read_crops
from ram.training.data.patch_cache import PatchCache, channel_statistics
from ram.training.data.shards import ShardPicture
from ram.training.stages import cut

Request = tuple[torch.Tensor, torch.Tensor]
"""Positions (n,) of pictures, and the seed (n,) that decides what is shown of each."""


@dataclass(frozen=True, eq=False)
class View:
    """What is to be seen of some pictures, before the image encoder.

    Args:
        seen: (n, 3, size, size) pixels, or (n, ...) of the cache.
        teacher_pixels: (n, 3, size, size) the same crops in the teacher's size and statistics, if it wants any.
    """

    seen: torch.Tensor
    teacher_pixels: torch.Tensor | None = None


class PictureSource(Protocol):
    """Gives training pictures, freshly drawn views of them, and their features."""

    def views(self, requests: Iterable[Request]) -> Iterator[View]:
        """One view a request, in their order, read ahead where that takes time."""
        ...

    def look(self, encoder: ImageEncoder, view: View) -> ImageFeatures:
        """Features on the encoder's device."""
        ...

    def patches(self, encoder: ImageEncoder, view: View) -> torch.Tensor:
        """The backbone's (n, patches, channels) of a view, on the encoder's device: what ``look`` embeds."""
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

    def __init__(self, cache: PatchCache, learning_stages: int = 0) -> None:
        self.cache = cache
        self.learning_stages = learning_stages

    def views(self, requests: Iterable[Request]) -> Iterator[View]:
        """One cached view of each picture."""
        for ids, seeds in requests:
            yield View(self.cache.batch(ids, seeds % self.cache.shape[0]))

    def look(self, encoder: ImageEncoder, view: View) -> ImageFeatures:
        """Features of cached patches."""
        return encoder.embed(self.patches(encoder, view))

    def patches(self, encoder: ImageEncoder, view: View) -> torch.Tensor:
        """Patches of a cached view, its last stages run now where they learn."""
        return self._finish(encoder, view.seen)

    def look_plainly(self, encoder: ImageEncoder, ids: torch.Tensor) -> ImageFeatures:
        """(n,) picture positions to features of view 0."""
        return encoder.embed(self.plain_patches(encoder, ids))

    def plain_patches(self, encoder: ImageEncoder, ids: torch.Tensor) -> torch.Tensor:
        """(n,) picture positions to (n, patches, channels) of view 0."""
        return self._finish(encoder, self.cache.batch(ids, torch.zeros_like(ids)))

    @torch.no_grad()
    def statistics(self, encoder: ImageEncoder) -> tuple[torch.Tensor, torch.Tensor]:
        """Of view 0 of all pictures, or of a sample of them where stages learn."""
        if not self.learning_stages:
            return self.cache.statistics()
        return channel_statistics(self.plain_patches(encoder, ids).cpu() for ids in evenly_spread(self.cache.shape[1]))

    def _finish(self, encoder: ImageEncoder, cached: torch.Tensor) -> torch.Tensor:
        cached = cached.to(encoder.device)
        if not self.learning_stages:
            return cached
        return encoder.coarsen(cut(encoder.backbone, self.learning_stages).finish(cached))


class PixelSource:
    """Pictures decoded and cropped anew each time, for a backbone that learns.

    Args:
        pictures: where they are.
        image: how the model sees them.
        workers: processes that read ahead; the views are the same with any number.
        teacher: how a teacher that looks at pictures sees them.
    """

    def __init__(
        self,
        pictures: Sequence[Path | ShardPicture],
        image: ImageConfig,
        workers: int = 0,
        teacher: TrainTransform | None = None,
    ) -> None:
        self.pictures = pictures
        self.workers = workers
        self.evaluation, self.training = transforms(image)
        self.teacher = teacher

    def views(self, requests: Iterable[Request]) -> Iterator[View]:
        """A new random crop of each picture."""
        see = [self.training] if self.teacher is None else [self.training, self.teacher]
        for crops in read_crops(self.pictures, requests, see, self.workers):
            yield View(*crops)

    def look(self, encoder: ImageEncoder, view: View) -> ImageFeatures:
        """Features of pixels."""
        return encoder.embed(self.patches(encoder, view))

    def patches(self, encoder: ImageEncoder, view: View) -> torch.Tensor:
        """Patches of pixels."""
        return encoder.patches(view.seen.to(encoder.device))

    def look_plainly(self, encoder: ImageEncoder, ids: torch.Tensor) -> ImageFeatures:
        """(n,) picture positions to features of the whole pictures."""
        return encoder.embed(self.plain_patches(encoder, ids))

    def plain_patches(self, encoder: ImageEncoder, ids: torch.Tensor) -> torch.Tensor:
        """(n,) picture positions to (n, patches, channels) of the whole pictures."""
        pixels = torch.stack([self.evaluation(open_training_picture(self.pictures[i])) for i in ids.tolist()])
        return encoder.patches(pixels.to(encoder.device))

    @torch.no_grad()
    def statistics(self, encoder: ImageEncoder, sample: int = 512) -> tuple[torch.Tensor, torch.Tensor]:
        """Of a sample of the pictures, evenly spread."""
        batches = evenly_spread(len(self.pictures), sample)
        return channel_statistics(self.plain_patches(encoder, ids).cpu() for ids in batches)


def cached_patches(
    path: Path,
    pictures: Sequence[Path | ShardPicture],
    image: ImageConfig,
    encoder: ImageEncoder,
    views: int,
    progress: Callable[[int, int], None],
    learning_stages: int = 0,
) -> PatchSource:
    """Patches of all pictures in ``views`` views, or what comes before them where the last stages learn; from
    ``path`` or made now and kept there."""
    begin = cut(encoder.backbone, learning_stages).begin if learning_stages else encoder.patches
    device = encoder.device

    @torch.inference_mode()
    def encode(pixels: torch.Tensor) -> torch.Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            patches = begin(pixels.to(device).contiguous(memory_format=torch.channels_last))
        return patches.float().cpu()

    return PatchSource(PatchCache.fill(path, pictures, encode, transforms(image), views, progress), learning_stages)


def evenly_spread(count: int, most: int = 512, batch: int = 32) -> tuple[torch.Tensor, ...]:
    """Batches of evenly spread positions."""
    return torch.arange(0, count, -(-count // most)).split(batch)


def transforms(image: ImageConfig) -> tuple[EvalTransform, TrainTransform]:
    """How evaluation and training see pictures, from the model's statistics."""
    statistics = (image.size, image.mean, image.std, image.interpolation)
    return EvalTransform(*statistics), TrainTransform(*statistics)
