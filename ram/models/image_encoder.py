"""The image encoder: any timm backbone, its patch tokens projected next to the text embeddings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from ram.errors import InputError


@dataclass(frozen=True, eq=False)
class ImageFeatures:
    """Features of a batch of images: all that scoring needs of them.

    Args:
        tokens: (batch, patches + 1, dim), the pooled token first.
        classes: (batch, classes) logits of a classifier for the whole image; None where the model has none.
        class_probabilities: (batch, classes) of that classifier, over the patches; or None.
    """

    tokens: torch.Tensor
    classes: torch.Tensor | None = None
    class_probabilities: torch.Tensor | None = None

    @property
    def pooled(self) -> torch.Tensor:
        """(batch, dim) image embedding, not normalised."""
        return self.tokens[:, 0]

    @property
    def nbytes(self) -> int:
        """Size in memory."""
        return sum(part.nbytes for part in vars(self).values() if part is not None)

    def map(self, change: Callable[[torch.Tensor], torch.Tensor]) -> ImageFeatures:
        """The features with each tensor changed."""
        return replace(self, **{name: change(part) for name, part in vars(self).items() if part is not None})

    def rows(self, index: slice | torch.Tensor) -> ImageFeatures:
        """Some of the images, by a slice or a tensor of indices or booleans."""
        return self.map(lambda part: part[index])

    @classmethod
    def join(cls, batches: Sequence[ImageFeatures]) -> ImageFeatures:
        """All images of several batches, which have the same parts."""
        names = [name for name, part in vars(batches[0]).items() if part is not None]
        return cls(**{name: torch.cat([getattr(batch, name) for batch in batches]) for name in names})

    def to(self, device: torch.device | str) -> ImageFeatures:
        """The features on a device."""
        return self.map(lambda part: part.to(device))


class ImageEncoder(nn.Module):
    """Pixels to a pooled token and patch tokens.

    The pooled token is the mean of the normed patch tokens, put first, and projected like the rest.

    Args:
        backbone: maps pixels to (batch, patches, channels); see :func:`patch_tokens`.
        channels: width of the backbone's tokens.
        dim: width after projection, that of the text embeddings; None leaves the backbone's tokens as they are.
    """

    def __init__(self, backbone: nn.Module, channels: int, dim: int | None) -> None:
        super().__init__()
        self.backbone = backbone
        self.project = nn.Identity() if dim is None else nn.Linear(channels, dim)

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return next(self.parameters()).device

    def forward(self, pixels: torch.Tensor) -> ImageFeatures:
        """(batch, 3, height, width) normalised pixels to :class:`ImageFeatures`."""
        return self.embed(self.patches(pixels))

    def patches(self, pixels: torch.Tensor) -> torch.Tensor:
        """(batch, 3, height, width) to the backbone's (batch, patches, channels)."""
        return patch_tokens(self.backbone, pixels)

    def embed(self, patches: torch.Tensor) -> ImageFeatures:
        """(batch, patches, channels) of the backbone to features; cheap, so that patches may be cached."""
        return ImageFeatures(self.project(with_pooled(patches)))


def with_pooled(patches: torch.Tensor) -> torch.Tensor:
    """(batch, patches, channels) to (batch, patches + 1, channels), their mean first."""
    return torch.cat([patches.mean(dim=1, keepdim=True), patches], dim=1)


def patch_grid(patches: int) -> tuple[int, int]:
    """Rows and columns of a square image's patches.

    Raises:
        ValueError: they are no square.
    """
    side = math.isqrt(patches)
    if side**2 != patches:
        raise ValueError(f"{patches} patches are no square: this backbone's tokens have no position in the image")
    return side, side


def create_backbone(name: str, options: Mapping[str, Any]) -> nn.Module:
    """Make a timm model without its classifier and without weights.

    Raises:
        InputError: timm does not know ``name`` or refuses ``options``, or one of them would read a file.
    """
    import ram.models.torchvision_shim  # noqa: F401, I001  (before timm)
    import timm

    if not timm.is_model(name):  # an address such as "hf-hub:..." would be fetched
        raise InputError(f"timm has no backbone named {name!r}: see timm.list_models()")
    if "checkpoint_path" in options:  # it would be unpickled
        raise InputError("backbone options may not hold checkpoint_path: weights come with the model folder")
    try:
        return timm.create_model(name, pretrained=False, num_classes=0, **options)
    except (RuntimeError, TypeError, ValueError, ArithmeticError, AssertionError, AttributeError, LookupError) as error:
        raise InputError(f"timm cannot make the backbone {name!r} with {dict(options)}: {error}") from None


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
