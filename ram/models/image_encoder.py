"""The image encoder: any timm backbone, its patch tokens projected next to the text embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ram.models.standardize import Standardize


@dataclass(frozen=True)
class ImageFeatures:
    """What one look at a batch of pictures leaves behind: all that scoring needs.

    Args:
        tokens: (batch, patches + 1, dim), the pooled token first.
    """

    tokens: torch.Tensor

    @property
    def pooled(self) -> torch.Tensor:
        """(batch, dim) picture embedding, not normalised."""
        return self.tokens[:, 0]


class ImageEncoder(nn.Module):
    """Pixels to a pooled token and patch tokens.

    The pooled token is the mean of the normed patch tokens, put first, and projected like the rest.

    Args:
        backbone: maps pixels to (batch, patches, channels); see :func:`patch_tokens`.
        channels: width of the backbone's tokens.
        dim: width after projection, that of the text embeddings.
        standardize: bring the backbone's channels to mean 0 and deviation 1 first; for backbones that do not
            end in a norm.
        normalize_tokens: LayerNorm on the projected tokens, for the same backbones.
    """

    def __init__(
        self,
        backbone: nn.Module,
        channels: int,
        dim: int,
        standardize: bool = False,
        normalize_tokens: bool = False,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.standardize = Standardize(channels) if standardize else nn.Identity()
        self.project = nn.Linear(channels, dim)
        self.norm = nn.LayerNorm(dim) if normalize_tokens else nn.Identity()

    def forward(self, pixels: torch.Tensor) -> ImageFeatures:
        """(batch, 3, height, width) normalised pixels to :class:`ImageFeatures`."""
        return self.embed(self.patches(pixels))

    def patches(self, pixels: torch.Tensor) -> torch.Tensor:
        """(batch, 3, height, width) to the backbone's (batch, patches, channels)."""
        return patch_tokens(self.backbone, pixels)

    def embed(self, patches: torch.Tensor) -> ImageFeatures:
        """(batch, patches, channels) of the backbone to features; cheap, so that patches may be cached."""
        patches = self.standardize(patches)
        tokens = torch.cat([patches.mean(dim=1, keepdim=True), patches], dim=1)
        return ImageFeatures(self.norm(self.project(tokens)))


def create_backbone(name: str, options: Mapping[str, Any]) -> nn.Module:
    """A timm model without its classifier and without weights.

    Raises:
        ValueError: timm does not know ``name`` or refuses ``options``, or one of them would read a file.
    """
    import ram._torchvision_shim  # noqa: F401, I001  (before timm)
    import timm

    if not timm.is_model(name):  # an address such as "hf-hub:..." would be fetched
        raise ValueError(f"timm has no backbone named {name!r}: see timm.list_models()")
    if "checkpoint_path" in options:  # it would be unpickled
        raise ValueError("backbone options may not hold checkpoint_path: weights come with the model folder")
    try:
        return timm.create_model(name, pretrained=False, num_classes=0, **options)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"timm cannot make the backbone {name!r} with {dict(options)}: {error}") from None


def patch_tokens(backbone: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    """A timm model's last features as (batch, patches, channels), whatever its layout, less class tokens."""
    features = backbone.forward_features(pixels)  # type: ignore[operator]
    if features.ndim == 3:
        return features[:, getattr(backbone, "num_prefix_tokens", 0) :]
    if getattr(backbone, "output_fmt", "NCHW") == "NHWC":
        return features.flatten(1, 2)
    return features.flatten(2).transpose(1, 2)
