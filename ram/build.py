"""From a configuration to an assembled model: the only place that reads what variants differ in."""

import torch

from ram.config import ModelConfig, SimilarityConfig
from ram.models.alignment_decoder import AlignmentDecoder
from ram.models.class_words import ClassWords
from ram.models.familiarity import Familiarity
from ram.models.heads import MatchingHead, SharedHead
from ram.models.image_encoder import ImageEncoder, create_backbone
from ram.models.queries import DescriptionEnsemble, DescriptionReweighting, TextQueries
from ram.models.similarity import GlobalSimilarity
from ram.models.tagging import TaggingModel
from ram.models.text_encoder import TEXT_ENCODERS, TextEncoder


def build_model(config: ModelConfig) -> TaggingModel:
    """A tagging model with freshly initialised weights, in evaluation mode.

    Raises:
        ValueError: timm does not know the backbone.
    """
    backbone = create_backbone(config.image.backbone, config.image.options)
    channels: int = backbone.num_features  # type: ignore[assignment]
    decoder = config.decoder
    words = ClassWords(config.image.classes, channels, config.dim) if config.image.classes else None
    model = TaggingModel(
        ImageEncoder(
            backbone,
            channels=channels,
            dim=config.dim,
            standardize=config.image.standardize,
            normalize_tokens=config.image.normalize_tokens,
            words=words,
            dropout=config.image.dropout,
            grid=config.image.grid,
        ),
        DescriptionReweighting() if config.reweight else DescriptionEnsemble(),
        TextQueries(config.dim, decoder.hidden, config.standardize_text),
        AlignmentDecoder(
            decoder.hidden, config.dim, decoder.heads, decoder.intermediate, decoder.layers, decoder.dropout
        ),
        MatchingHead(decoder.hidden, config.dim) if decoder.matching else SharedHead(decoder.hidden),
        _similarity(config, words),
    )
    return model.eval()


def build_without_weights(config: ModelConfig) -> TaggingModel:
    """The same model with weights that have shapes and neither values nor memory ("meta" tensors).

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
            module._buffers[name] = torch.empty_like(module.get_buffer(name), device="cpu")
        if lost:
            module.init_non_persistent_buffers()  # type: ignore[operator]
    return True


def _similarity(config: ModelConfig, words: ClassWords | None) -> GlobalSimilarity | None:
    weights = config.similarity
    if weights == SimilarityConfig():
        return None
    familiarity = Familiarity(weights.familiar, config.dim) if weights.familiar else None
    return GlobalSimilarity(weights.pooled, weights.classes, weights.unfamiliar, words, familiarity)


def build_text_encoder(name: str, device: torch.device | str = "cpu") -> TextEncoder:
    """The text encoder a configuration names.

    Raises:
        ValueError: no such encoder.
        TextEncoderError: its package or weights are missing.
    """
    if name not in TEXT_ENCODERS:
        raise ValueError(f"text encoder {name!r} is unknown: choose one of {sorted(TEXT_ENCODERS)}")
    return TEXT_ENCODERS[name](device)
