"""Build a model from its configuration: the only place that reads variant fields."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ram.errors import InputError, TextEncoderError
from ram.models.captioner import Captioner
from ram.models.config import LEARNED, ImageConfig, ModelConfig
from ram.models.decoder import AlignmentDecoder
from ram.models.heads import SharedHead
from ram.models.image_encoder import ImageEncoder, create_backbone
from ram.models.lite.centered_reweighting import CenteredReweighting
from ram.models.lite.ensemble import Ensemble
from ram.models.lite.image_encoder import LiteImageEncoder
from ram.models.lite.matching import MatchingHead, StandardizedQueries
from ram.models.lite.model import LiteModel
from ram.models.open_clip_text import OPEN_CLIP, OpenClipTextEncoder
from ram.models.ram import TaggingModel
from ram.models.reweighting import DescriptionEnsemble, DescriptionReweighting, TextQueries
from ram.models.tag2text import HeadPerTag, LearnedQueries
from ram.models.text_encoder import TEXT_ENCODERS, TextEncoder


def build_model(config: ModelConfig) -> TaggingModel:
    """A tagging model with freshly initialised weights, in evaluation mode.

    Raises:
        InputError: timm does not know the backbone.
    """
    backbone = create_backbone(config.image.backbone, config.image.options)
    channels: int = backbone.num_features  # type: ignore[assignment]
    decoder = config.decoder
    context_dim = channels if config.learned else config.dim
    parts: dict[str, Any] = {
        "image_encoder": _image_encoder(config, backbone, channels),
        "reweighting": _reweighting(config),
        "queries": _queries(config),
        "decoder": AlignmentDecoder(
            decoder.hidden,
            context_dim,
            decoder.heads,
            decoder.intermediate,
            decoder.layers,
            decoder.dropout,
        ),
        "head": _head(config),
    }
    if config.captioner is not None:
        parts["captioner"] = Captioner(config.captioner, context_dim, list(parts["decoder"].blocks))
    if not config.ensemble.active:
        return TaggingModel(**parts).eval()
    return LiteModel(Ensemble(config.ensemble), **parts).eval()


def build_without_weights(config: ModelConfig) -> TaggingModel:
    """A tagging model whose weights have shapes, but neither values nor memory ("meta" tensors).

    Once they are assigned, :func:`restore_buffers` makes the model whole.
    """
    with torch.device("meta"):
        return build_model(config)


def restore_buffers(model: TaggingModel) -> bool:
    """Fill what no checkpoint holds, as timm's window indices and masks; False where a module has no way to."""
    for module in model.modules():
        lost = [name for name, buffer in module.named_buffers(recurse=False) if buffer.is_meta]
        if lost and not hasattr(module, "init_non_persistent_buffers"):
            return False
        for name in lost:
            setattr(module, name, torch.empty_like(module.get_buffer(name), device="cpu"))
        if lost:
            module.init_non_persistent_buffers()  # type: ignore[operator]
    return True


def build_text_encoder(
    name: str, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> TextEncoder:
    """The text encoder a configuration names, on the device and in the dtype of its model.

    Raises:
        InputError: no such encoder.
        TextEncoderError: its package or weights are missing, or the model reads no texts.
    """
    if name == LEARNED:
        raise TextEncoderError(
            "Tag2Text knows only the tags it was trained on, which have no texts: ask for other categories with a RAM "
            "or RAM++ model, such as ram-plus-lite"
        )
    if name.startswith(OPEN_CLIP):
        return OpenClipTextEncoder(name, device, dtype)
    if name not in TEXT_ENCODERS:
        raise InputError(
            f"text encoder {name!r} is unknown: choose one of {sorted(TEXT_ENCODERS)}, or "
            f"{OPEN_CLIP}ARCHITECTURE/WEIGHTS"
        )
    return TEXT_ENCODERS[name](device, dtype)


def _image_encoder(config: ModelConfig, backbone: nn.Module, channels: int) -> ImageEncoder:
    image, dim = config.image, None if config.learned else config.dim
    defaults = ImageConfig(image.backbone, image.size)
    lite_parts = ("standardize", "normalize_tokens", "classes", "dropout", "grid")
    if all(getattr(image, part) == getattr(defaults, part) for part in lite_parts):
        return ImageEncoder(backbone, channels, dim)
    return LiteImageEncoder(backbone, channels, dim, image)


def _reweighting(config: ModelConfig) -> DescriptionReweighting:
    if not config.reweight:
        return DescriptionEnsemble()
    return CenteredReweighting() if config.center_descriptions else DescriptionReweighting()


def _queries(config: ModelConfig) -> nn.Module:
    if config.learned:
        return LearnedQueries(config.decoder.hidden)
    return (StandardizedQueries if config.standardize_text else TextQueries)(config.dim, config.decoder.hidden)


def _head(config: ModelConfig) -> nn.Module:
    if config.learned:
        return HeadPerTag()
    hidden = config.decoder.hidden
    return MatchingHead(hidden, config.dim) if config.decoder.matching else SharedHead(hidden)
