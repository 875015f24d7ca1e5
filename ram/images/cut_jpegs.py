"""Read a JPEG that lacks its last bytes, as viewers do, where they held next to nothing of the picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from ram.errors import ImageError

MOST_MISSING = 0.05
"""Largest fraction of the pixels that may be missing."""

_END = b"\xff\xd9"
_FILLING = 0.06
"""Meaningless bytes for each pixel: they fill about a third of a picture, far more than may be missing."""
_LEAST_FILLING = 4000
_VISIBLE = 8
"""Difference of a channel, in 0..255, from which a pixel counts as another one."""


def read_cut(data: bytes, decode: Callable[[bytes], Image.Image]) -> Image.Image | None:
    """Decode a JPEG that is cut short; None where more than `MOST_MISSING` of its pixels are missing.

    The decoder fills in what is missing and does not say how much. Here the file is ended in two ways, with nothing and
    with meaningless bytes: pixels that differ were missing.

    Args:
        data: the file.
        decode: raises ``ImageError`` where a file cannot be decoded.
    """
    data = data.rstrip(b"\xff")
    try:
        ended = decode(data + _END)
        length = max(_LEAST_FILLING, int(_FILLING * ended.width * ended.height))
        filling = np.random.default_rng(0).integers(0, 255, length, np.uint8).tobytes()  # without 255, which is special
        filled = decode(data + filling + _END)
    except ImageError:
        return None
    difference = np.abs(np.asarray(ended, np.int16) - np.asarray(filled, np.int16)).max(axis=2)
    return ended if np.mean(difference > _VISIBLE) <= MOST_MISSING else None
