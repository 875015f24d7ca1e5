"""A region: a tag with a box around what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image


class Box(NamedTuple):
    """A part of an image, as shares of its width and height, 0 to 1."""

    left: float
    top: float
    right: float
    bottom: float

    def crop(self, picture: Image.Image) -> Image.Image:
        """Cut the part out of an image; it has one pixel at least."""
        width, height = picture.size
        left, top = min(int(self.left * width), width - 1), min(int(self.top * height), height - 1)
        right, bottom = round(self.right * width), round(self.bottom * height)
        return picture.crop((left, top, max(right, left + 1), max(bottom, top + 1)))


WHOLE = Box(0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class Region:
    """Where an image shows a tag.

    Args:
        tag: its name.
        probability: of the tag on the whole image, or the confidence of the detector that drew the box.
        box: left, top, right and bottom as shares of width and height, 0 to 1.

    Raises:
        ValueError: the box has no area or leaves the image.
    """

    tag: str
    probability: float
    box: Box | tuple[float, float, float, float]

    def __post_init__(self) -> None:
        left, top, right, bottom = self.box
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise ValueError(f"a box is left, top, right, bottom within 0 to 1, not {tuple(self.box)}")

    @property
    def center(self) -> tuple[float, float]:
        """Middle of the box, across and down."""
        left, top, right, bottom = self.box
        return (left + right) / 2, (top + bottom) / 2

    def pixels(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Left, top, right and bottom in pixels of an image of this size."""
        left, top, right, bottom = self.box
        return left * width, top * height, right * width, bottom * height


def as_array(regions: list[Region], width: int, height: int) -> np.ndarray:
    """(regions, 4) left, top, right and bottom in pixels, float32."""
    return np.array([region.pixels(width, height) for region in regions], np.float32).reshape(-1, 4)


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = sum((right - left) * (bottom - top) for left, top, right, bottom in (one, other))
    return width * height / (areas - width * height)
