"""The image encoder: any timm backbone, its patch tokens projected next to the text embeddings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from ram.models.fast.tiled_swin import compute_in_parts
from ram.models.lite.class_words import ClassWords
from ram.models.lite.standardize import Standardize


@dataclass(frozen=True)
class ImageFeatures:
    """What one look at a batch of pictures leaves behind: all that scoring needs.

    Args:
        tokens: (batch, patches + 1, dim), the pooled token first.
        classes: (batch, classes) logits of a classifier for the whole picture; None where the model has none.
    """

    tokens: torch.Tensor
    classes: torch.Tensor | None = None

    @property
    def pooled(self) -> torch.Tensor:
        """(batch, dim) picture embedding, not normalised."""
        return self.tokens[:, 0]

    def rows(self, which: slice | torch.Tensor) -> ImageFeatures:
        """Some of the pictures, by a slice or by a tensor of positions or of booleans."""
        return ImageFeatures(self.tokens[which], None if self.classes is None else self.classes[which])

    def to(self, device: torch.device | str) -> ImageFeatures:
        """The same on a device."""
        return ImageFeatures(self.tokens.to(device), None if self.classes is None else self.classes.to(device))


class ImageEncoder(nn.Module):
    """Pixels to a pooled token and patch tokens.

    The pooled token is the mean of the normed patch tokens, put first, and projected like the rest.

    Args:
        backbone: maps pixels to (batch, patches, channels); see :func:`patch_tokens`.
        channels: width of the backbone's tokens.
        dim: width after projection, that of the text embeddings; None leaves the backbone's tokens as they are.
        standardize: bring the backbone's channels to mean 0 and deviation 1 first; for backbones that do not
            end in a norm.
        normalize_tokens: LayerNorm on the projected tokens, for the same backbones.
        words: what a classifier says of each token joins the projection.
        dropout: share of the channels that training leaves out of a token.
        grid: patches are averaged to so many rows and columns first; 0 keeps all.
    """

    def __init__(
        self,
        backbone: nn.Module,
        channels: int,
        dim: int | None,
        standardize: bool = False,
        normalize_tokens: bool = False,
        words: ClassWords | None = None,
        dropout: float = 0.0,
        grid: int = 0,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.standardize = Standardize(channels) if standardize else nn.Identity()
        self.project = nn.Identity() if dim is None else nn.Linear(channels, dim)
        dim = channels if dim is None else dim
        self.norm = nn.LayerNorm(dim) if normalize_tokens else nn.Identity()
        self.grid = grid
        self.words = words
        self.project_words = None if words is None else nn.Linear(dim, dim, bias=False)
        self.dropout = nn.Dropout(dropout)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    def forward(self, pixels: torch.Tensor) -> ImageFeatures:
        """(batch, 3, height, width) normalised pixels to :class:`ImageFeatures`."""
        return self.embed(self.patches(pixels))

    def patches(self, pixels: torch.Tensor) -> torch.Tensor:
        """(batch, 3, height, width) to the backbone's (batch, patches, channels)."""
        return self.coarsen(patch_tokens(self.backbone, pixels))

    def coarsen(self, patches: torch.Tensor) -> torch.Tensor:
        """(batch, patches, channels) of a square picture, row by row, to those of the grid.

        Raises:
            ValueError: the patches are no square, or fewer than those of the grid.
        """
        if not self.grid:
            return patches
        rows = math.isqrt(patches.shape[1])
        if rows**2 != patches.shape[1] or rows < self.grid:
            raise ValueError(
                f"the {patches.shape[1]} patches of this backbone cannot be averaged to {self.grid} rows and columns: "
                "set image.grid = 0"
            )
        pooled = F.adaptive_avg_pool2d(patches.transpose(1, 2).unflatten(2, (rows, rows)), self.grid)
        return pooled.flatten(2).transpose(1, 2)

    def embed(self, patches: torch.Tensor) -> ImageFeatures:
        """(batch, patches, channels) of the backbone to features; cheap, so that patches may be cached."""
        features = torch.cat([patches.mean(dim=1, keepdim=True), patches], dim=1)
        tokens = self.project(self.dropout(self.standardize(features)))
        if self.words is None or self.project_words is None:
            return ImageFeatures(self.norm(tokens))
        logits = self.words(features)
        tokens = tokens + self.project_words(self.dropout(self.words.spell(logits.detach())))
        return ImageFeatures(self.norm(tokens), logits[:, 0])


def grid(patches: int) -> tuple[int, int]:
    """Rows and columns of a square picture's patches; ValueError where they are no square."""
    side = math.isqrt(patches)
    if side**2 != patches:
        raise ValueError(f"{patches} patches are no square: this backbone's tokens have no place in the picture")
    return side, side


def create_backbone(name: str, options: Mapping[str, Any]) -> nn.Module:
    """A timm model without its classifier and without weights.

    Raises:
        ValueError: timm does not know ``name`` or refuses ``options``, or one of them would read a file.
    """
    import ram.models.torchvision_shim  # noqa: F401, I001  (before timm)
    import timm

    if not timm.is_model(name):  # an address such as "hf-hub:..." would be fetched
        raise ValueError(f"timm has no backbone named {name!r}: see timm.list_models()")
    if "checkpoint_path" in options:  # it would be unpickled
        raise ValueError("backbone options may not hold checkpoint_path: weights come with the model folder")
    try:
        backbone = timm.create_model(name, pretrained=False, num_classes=0, **options)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"timm cannot make the backbone {name!r} with {dict(options)}: {error}") from None
    compute_in_parts(backbone)
    return backbone


def patch_tokens(backbone: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    """A timm model's last features as (batch, patches, channels), whatever its layout, less class tokens."""
    return as_patches(backbone, backbone.forward_features(pixels))  # type: ignore[operator]


def as_patches(backbone: nn.Module, features: torch.Tensor) -> torch.Tensor:
    """Features of a timm model, in its own layout, as (batch, patches, channels)."""
    if features.ndim == 3:
        return features[:, getattr(backbone, "num_prefix_tokens", 0) :]
    if getattr(backbone, "output_fmt", "NCHW") == "NHWC":
        return features.flatten(1, 2)
    return features.flatten(2).transpose(1, 2)
