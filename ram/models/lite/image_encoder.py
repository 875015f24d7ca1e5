"""The image encoder of the small models: a frozen classification backbone made usable with little training."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from ram.errors import InputError
from ram.models.config import ImageConfig
from ram.models.image_encoder import ImageEncoder, ImageFeatures, with_pooled
from ram.models.lite.class_words import ClassWords
from ram.models.lite.standardize import Standardize


class LiteImageEncoder(ImageEncoder):
    """Standardise the backbone's channels, average its patches to a grid, and add class words.

    Args:
        backbone: maps pixels to (batch, patches, channels).
        channels: width of the backbone's tokens.
        dim: width after projection, that of the text embeddings; None leaves the tokens as they are.
        config: which of these parts there are; see :class:`ram.models.config.ImageConfig`.
    """

    def __init__(self, backbone: nn.Module, channels: int, dim: int | None, config: ImageConfig) -> None:
        super().__init__(backbone, channels, dim)
        dim = channels if dim is None else dim
        self.grid = config.grid
        self.standardize = Standardize(channels) if config.standardize else nn.Identity()
        self.norm = nn.LayerNorm(dim) if config.normalize_tokens else nn.Identity()
        self.words = ClassWords(config.classes, channels, dim, config.class_temperature) if config.classes else None
        self.project_words = nn.Linear(dim, dim, bias=False) if config.classes else None
        self.dropout = nn.Dropout(config.dropout)

    def patches(self, pixels: torch.Tensor) -> torch.Tensor:
        """(batch, 3, height, width) to (batch, patches, channels) of the backbone, averaged to the grid."""
        return self.coarsen(super().patches(pixels))

    def coarsen(self, patches: torch.Tensor) -> torch.Tensor:
        """Average (batch, patches, channels) of a square image, row by row, to the rows and columns of the grid.

        Raises:
            InputError: the patches are no square, or fewer than those of the grid.
        """
        if not self.grid:
            return patches
        rows = math.isqrt(patches.shape[1])
        if rows**2 != patches.shape[1] or rows < self.grid:
            raise InputError(
                f"the {patches.shape[1]} patches of this backbone cannot be averaged to {self.grid} rows and columns: "
                "set image.grid = 0"
            )
        pooled = F.adaptive_avg_pool2d(patches.transpose(1, 2).unflatten(2, (rows, rows)), self.grid)
        return pooled.flatten(2).transpose(1, 2)

    def embed(self, patches: torch.Tensor) -> ImageFeatures:
        """(batch, patches, channels) of the backbone to features."""
        features = with_pooled(patches)
        tokens = self.project(self.dropout(self.standardize(features)))
        if self.words is None or self.project_words is None:
            return ImageFeatures(self.norm(tokens))
        classes = self.words(features)
        tokens = tokens + self.project_words(self.dropout(self.words.embed(classes.detach())))
        return ImageFeatures(self.norm(tokens), classes[:, 0], self.words.over_patches(classes[:, 1:].softmax(dim=-1)))
