"""Turn an RGB image into the tensor that a model expects, for evaluation and for training."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageEnhance

_INTERPOLATIONS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}

Box = tuple[float, float, float, float]
"""Left, top, right and bottom edge in pixels."""


@dataclass(frozen=True)
class EvalTransform:
    """Resize and normalize an RGB image for evaluation, as the weights expect it.

    Equal to torchvision's Resize, ToTensor and Normalize on PIL images, without importing torchvision. The official
    RAM and RAM++ weights expect "bilinear", "squash" and ImageNet's mean and std.

    Args:
        size: side of the square, in pixels.
        mean, std: per channel, for values in 0..1.
        interpolation: "bilinear" or "bicubic", both with antialiasing.
        fit: "squash" resizes the whole image to a square; "crop" takes its centre square.
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = "bilinear"
    fit: str = "squash"

    def __post_init__(self) -> None:
        _check_statistics(self.size, self.mean, self.std, self.interpolation)
        if self.fit not in ("squash", "crop"):
            raise ValueError(f"fit is {self.fit!r}: it must be 'squash' or 'crop'")

    def __call__(self, image: Image.Image) -> torch.Tensor:
        """Return (3, size, size) float pixels."""
        width, height = image.size
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        box = (0, 0, width, height) if self.fit == "squash" else (left, top, left + side, top + side)
        return _to_tensor(_crop_and_resize(image, box, self.size, self.interpolation), self.mean, self.std)


@dataclass(frozen=True)
class TrainTransform:
    """Crop, flip and jitter an RGB image at random for training.

    All randomness comes from the generator: the same generator state gives the same tensor in any process.

    Args:
        size: side of the square, in pixels.
        mean, std: per channel, for values in 0..1.
        interpolation: "bilinear" or "bicubic", both with antialiasing.
        scale: smallest and largest fraction of the image's area that a crop keeps.
        ratio: smallest and largest aspect ratio of a crop relative to the image's own; 1 squashes as in evaluation.
        flip: probability of a horizontal flip.
        jitter: largest relative change of brightness, contrast and saturation.
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = "bilinear"
    scale: tuple[float, float] = (0.4, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5
    jitter: float = 0.2

    def __post_init__(self) -> None:
        _check_statistics(self.size, self.mean, self.std, self.interpolation)
        if not 0 < self.scale[0] <= self.scale[1] <= 1:
            raise ValueError(f"crop scale is {self.scale}: it must be fractions with 0 < low <= high <= 1")
        if not 0 < self.ratio[0] <= self.ratio[1]:
            raise ValueError(f"crop ratio is {self.ratio}: it must be 0 < low <= high")
        if not (0 <= self.flip <= 1 and 0 <= self.jitter < 1):
            raise ValueError(f"flip is {self.flip}, jitter {self.jitter}: both must be between 0 and 1")

    def __call__(self, image: Image.Image, generator: torch.Generator) -> torch.Tensor:
        """Return (3, size, size) float pixels of a random crop."""
        draws = torch.rand(8, generator=generator).tolist()
        area, shape, left, top, flip, brightness, contrast, colour = draws
        area = self.scale[0] + area * (self.scale[1] - self.scale[0])
        shape = self.ratio[0] * (self.ratio[1] / self.ratio[0]) ** shape
        width = image.width * min(1.0, math.sqrt(area * shape))
        height = image.height * min(1.0, math.sqrt(area / shape))
        left, top = left * (image.width - width), top * (image.height - height)
        # Pillow refuses a box that rounding pushes over the edge
        box = (left, top, min(left + width, image.width), min(top + height, image.height))
        crop = _crop_and_resize(image, box, self.size, self.interpolation)
        if flip < self.flip:
            crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        crop = ImageEnhance.Brightness(crop).enhance(1 + self.jitter * (2 * brightness - 1))
        crop = ImageEnhance.Contrast(crop).enhance(1 + self.jitter * (2 * contrast - 1))
        crop = ImageEnhance.Color(crop).enhance(1 + self.jitter * (2 * colour - 1))
        return _to_tensor(crop, self.mean, self.std)


def _crop_and_resize(image: Image.Image, box: Box, size: int, interpolation: str) -> Image.Image:
    if image.mode != "RGB":
        raise ValueError(f"transforms take RGB images, not mode {image.mode}: read it with open_image")
    return image.resize((size, size), _INTERPOLATIONS[interpolation], box=box)


def _to_tensor(image: Image.Image, mean: tuple[float, ...], std: tuple[float, ...]) -> torch.Tensor:
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
    return ((pixels - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]).contiguous()


def _check_statistics(size: int, mean: tuple[float, ...], std: tuple[float, ...], interpolation: str) -> None:
    if size < 1:
        raise ValueError(f"image size is {size}: it must be at least 1 pixel")
    if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
        raise ValueError(f"image statistics need 3 means and 3 positive stds, not {mean} and {std}")
    if interpolation not in _INTERPOLATIONS:
        raise ValueError(f"interpolation is {interpolation!r}: it must be 'bilinear' or 'bicubic'")
