"""Windows that slide over the patches of an image, and maps made of one value for each window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ram.errors import InputError
from ram.models.image_encoder import patch_grid

RESOLUTION = 36
"""Rows and columns of a map."""


@dataclass(frozen=True)
class Windows:
    """All windows of one size over a square of patches, row by row.

    Args:
        side: patches in a row of the image.
        width: patches in a row of a window.
    """

    side: int
    width: int

    @property
    def steps(self) -> int:
        """Windows in a row of windows."""
        return self.side - self.width + 1

    def masks(self) -> torch.Tensor:
        """(windows, side * side) which patches each window has."""
        windows = torch.zeros(self.steps, self.steps, self.side, self.side, dtype=torch.bool)
        for top in range(self.steps):
            for left in range(self.steps):
                windows[top, left, top : top + self.width, left : left + self.width] = True
        return windows.flatten(2).flatten(0, 1)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """(tags, windows) to (tags, :data:`RESOLUTION`, :data:`RESOLUTION`), each value at the middle of its window."""
        grid = torch.from_numpy(values).reshape(len(values), 1, self.steps, self.steps)
        margin = round(RESOLUTION * (self.width - 1) / self.side / 2)
        inner = RESOLUTION - 2 * margin
        grid = nn.functional.interpolate(grid, (inner, inner), mode="bilinear", align_corners=False)
        spread: np.ndarray = nn.functional.pad(grid, (margin,) * 4, mode="replicate")[:, 0].numpy()
        return spread


def side_of(patches: int, model: str) -> int:
    """Patches in a row of an image.

    Args:
        patches: of the whole image.
        model: its name, for the error.

    Raises:
        InputError: the patches have no position in the image, or there is only one.
    """
    try:
        side, _ = patch_grid(patches)
    except ValueError as error:
        raise InputError(f"no regions: {error}") from None
    if side < 2:
        raise InputError(f"{model} sees an image in one piece, so it cannot tell where a tag is")
    return side
