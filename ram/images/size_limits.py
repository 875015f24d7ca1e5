"""Upper limits on the size of an image file."""

from __future__ import annotations

from dataclasses import dataclass

LARGE_PIXELS = 50_000_000
"""Pixels above which an image is decoded at reduced size, so that 200 megapixels take no gigabytes."""


@dataclass(frozen=True)
class ImageLimits:
    """Upper limits on an image file.

    Args:
        file: bytes of the file.
        pixels: width times height. Decoding takes up to 8 bytes for each.

    Raises:
        ValueError: a limit is not positive.
    """

    file: int
    pixels: int

    def __post_init__(self) -> None:
        if self.file < 1 or self.pixels < 1:
            raise ValueError(f"limits on images must be positive, not {self.file} bytes and {self.pixels} pixels")


OWN_FILES = ImageLimits(file=2_000_000_000, pixels=250_000_000)
"""Limits on a person's own files: any camera's or phone's photo."""

UPLOADS = ImageLimits(file=20_000_000, pixels=50_000_000)
"""Limits on files from visitors of a public page."""
