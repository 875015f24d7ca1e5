"""Sources of image features in training: cached patches of a frozen backbone, or pixels for a trained one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from ram.images.transforms import EvalTransform, TrainTransform
from ram.models.config import ImageConfig
from ram.models.image_encoder import ImageEncoder, ImageFeatures
from ram.models.lite.image_encoder import LiteImageEncoder
from ram.runtime import has_bfloat16
from ram.training.data.decoding import open_training_picture, read_crops
from ram.training.data.patch_cache import PatchCache, channel_statistics
from ram.training.data.shards import ShardPicture
from ram.training.stages import cut

Request = tuple[torch.Tensor, torch.Tensor]
"""Indices (batch,) of images, and the seed (batch,) of each image's view."""


@dataclass(frozen=True, eq=False)
class View:
    """Views of some images, before the image encoder.

    Args:
        seen: (batch, 3, size, size) pixels, or (batch, ...) of the cache.
        teacher_pixels: (batch, 3, size, size) the same crops in the teacher's size and statistics, if it takes any.
    """

    seen: torch.Tensor
    teacher_pixels: torch.Tensor | None = None


class PictureSource(Protocol):
    """Gives views of training images and their features."""

    def views(self, requests: Iterable[Request]) -> Iterator[View]:
        """Yield one view per request in order, read ahead where that takes time."""
        ...

    def look(self, encoder: ImageEncoder, view: View) -> ImageFeatures:
        """Return the features of a view on the encoder's device."""
        ...

    def patches(self, encoder: ImageEncoder, view: View) -> torch.Tensor:
        """Return the backbone's (batch, patches, channels) of a view, which ``look`` embeds."""
        ...

    def look_plainly(self, encoder: ImageEncoder, ids: torch.Tensor) -> ImageFeatures:
        """Return the features of images (batch,) without augmentation."""
        ...

    def plain_patches(self, encoder: ImageEncoder, ids: torch.Tensor) -> torch.Tensor:
        """Return the backbone's (batch, patches, channels) of images (batch,) without augmentation."""
        ...

    def statistics(self, encoder: ImageEncoder) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and deviation (channels,) of each channel of the backbone's patches."""
        ...


class PatchSource:
    """Cached views of a frozen backbone, or of its frozen part where the last stages are trained."""

    def __init__(self, cache: PatchCache, learning_stages: int = 0) -> None:
        self.cache = cache
        self.learning_stages = learning_stages

    def views(self, requests: Iterable[Request]) -> Iterator[View]:
        """Yield one cached view of each image."""
        for ids, seeds in requests:
            yield View(self.cache.batch(ids, seeds % self.cache.shape[0]))

    def look(self, encoder: ImageEncoder, view: View) -> ImageFeatures:
        """Return the features of cached patches."""
        return encoder.embed(self.patches(encoder, view))

    def patches(self, encoder: ImageEncoder, view: View) -> torch.Tensor:
        """Return the patches of a cached view; stages that learn run now."""
        return self._finish(encoder, view.seen)

    def look_plainly(self, encoder: ImageEncoder, ids: torch.Tensor) -> ImageFeatures:
        """Return the features of view 0 of images (batch,)."""
        return encoder.embed(self.plain_patches(encoder, ids))

    def plain_patches(self, encoder: ImageEncoder, ids: torch.Tensor) -> torch.Tensor:
        """Return (batch, patches, channels) of view 0 of images (batch,)."""
        return self._finish(encoder, self.cache.batch(ids, torch.zeros_like(ids)))

    @torch.no_grad()
    def statistics(self, encoder: ImageEncoder) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and deviation of view 0 of all images, or of a sample where stages are trained."""
        if not self.learning_stages:
            return self.cache.statistics()
        return channel_statistics(self.plain_patches(encoder, ids).cpu() for ids in evenly_spread(self.cache.shape[1]))

    def _finish(self, encoder: ImageEncoder, cached: torch.Tensor) -> torch.Tensor:
        cached = cached.to(encoder.device)
        if not self.learning_stages:
            return cached
        patches = cut(encoder.backbone, self.learning_stages).finish(cached)
        return encoder.coarsen(patches) if isinstance(encoder, LiteImageEncoder) else patches


class PixelSource:
    """Images that are decoded and cropped in every step, for a trained backbone.

    Args:
        pictures: paths.
        image: size and statistics of the model's images.
        workers: processes that read ahead; the views do not depend on their number.
        teacher: the transform of a teacher that takes pixels.
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
        """Yield a random crop of each image."""
        transforms = [self.training] if self.teacher is None else [self.training, self.teacher]
        for crops in read_crops(self.pictures, requests, transforms, self.workers):
            yield View(*crops)

    def look(self, encoder: ImageEncoder, view: View) -> ImageFeatures:
        """Return the features of pixels."""
        return encoder.embed(self.patches(encoder, view))

    def patches(self, encoder: ImageEncoder, view: View) -> torch.Tensor:
        """Return the patches of pixels."""
        return encoder.patches(view.seen.to(encoder.device))

    def look_plainly(self, encoder: ImageEncoder, ids: torch.Tensor) -> ImageFeatures:
        """Return the features of whole images (batch,)."""
        return encoder.embed(self.plain_patches(encoder, ids))

    def plain_patches(self, encoder: ImageEncoder, ids: torch.Tensor) -> torch.Tensor:
        """Return (batch, patches, channels) of whole images (batch,)."""
        pixels = torch.stack([self.evaluation(open_training_picture(self.pictures[i])) for i in ids.tolist()])
        return encoder.patches(pixels.to(encoder.device))

    @torch.no_grad()
    def statistics(self, encoder: ImageEncoder, sample: int = 512) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and deviation of an evenly spread sample of the images."""
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
    """Open the cache of all images in ``views`` views, or make it.

    It holds the backbone's patches, or the output of its frozen part where the last stages are trained.
    """
    begin = cut(encoder.backbone, learning_stages).begin if learning_stages else encoder.patches
    device = encoder.device
    fast = device.type != "cpu" or has_bfloat16()

    @torch.inference_mode()
    def encode(pixels: torch.Tensor) -> torch.Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=fast):
            patches = begin(pixels.to(device).contiguous(memory_format=torch.channels_last))
        return patches.float().cpu()

    return PatchSource(PatchCache.fill(path, pictures, encode, transforms(image), views, progress), learning_stages)


def evenly_spread(count: int, most: int = 512) -> tuple[torch.Tensor, ...]:
    """Return at most ``most`` evenly spread indices, in batches."""
    return torch.arange(0, count, -(-count // most)).split(32)


def transforms(image: ImageConfig) -> tuple[EvalTransform, TrainTransform]:
    """Return the transforms of evaluation and training for a model."""
    statistics = (image.size, image.mean, image.std, image.interpolation)
    return EvalTransform(*statistics), TrainTransform(*statistics)
