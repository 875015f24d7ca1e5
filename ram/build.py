"""From a configuration to an assembled model: the only place that reads what variants differ in."""

import torch
from torch import nn

from ram.config import ModelConfig
from ram.models.alignment_decoder import AlignmentDecoder
from ram.models.image_encoder import ImageEncoder, create_backbone
from ram.models.queries import DescriptionReweighting, TextQueries
from ram.models.tagging import TaggingModel
from ram.models.text_encoder import TEXT_ENCODERS, TextEncoder


def build_model(config: ModelConfig) -> TaggingModel:
    """A tagging model with freshly initialised weights, in evaluation mode.

    Raises:
        ValueError: timm does not know the backbone.
    """
    backbone = create_backbone(config.image.backbone, config.image.options)
    decoder = config.decoder
    model = TaggingModel(
        ImageEncoder(
            backbone,
            channels=backbone.num_features,  # type: ignore[arg-type]
            dim=config.dim,
            standardize=config.image.standardize,
            normalize_tokens=config.image.normalize_tokens,
        ),
        DescriptionReweighting(),
        TextQueries(config.dim, decoder.hidden, config.standardize_text),
        AlignmentDecoder(
            decoder.hidden, config.dim, decoder.heads, decoder.intermediate, decoder.layers, decoder.dropout
        ),
        nn.Linear(decoder.hidden, 1),
    )
    return model.eval()


def build_text_encoder(name: str, device: torch.device | str = "cpu") -> TextEncoder:
    """The text encoder a configuration names.

    Raises:
        ValueError: no such encoder.
        TextEncoderError: its package or weights are missing.
    """
    if name not in TEXT_ENCODERS:
        raise ValueError(f"text encoder {name!r} is unknown: choose one of {sorted(TEXT_ENCODERS)}")
    return TEXT_ENCODERS[name](device)
