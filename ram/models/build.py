"""From a configuration to an assembled model: the only place that reads what variants differ in."""

import torch

from ram.errors import TextEncoderError
from ram.models.config import LEARNED, EnsembleConfig, ModelConfig
from ram.models.decoder import AlignmentDecoder
from ram.models.heads import MatchingHead, OwnHead, SharedHead
from ram.models.image_encoder import ImageEncoder, create_backbone
from ram.models.lite.centered_reweighting import CenteredReweighting
from ram.models.lite.class_words import ClassWords
from ram.models.lite.ensemble import GlobalSimilarity
from ram.models.lite.familiarity import Familiarity
from ram.models.lite.novelty import Novelty
from ram.models.ram import TaggingModel
from ram.models.reweighting import DescriptionEnsemble, DescriptionReweighting, LearnedQueries, TextQueries
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
            dim=None if config.learned else config.dim,
            standardize=config.image.standardize,
            normalize_tokens=config.image.normalize_tokens,
            words=words,
            dropout=config.image.dropout,
            grid=config.image.grid,
        ),
        _reweighting(config),
        _queries(config),
        AlignmentDecoder(
            decoder.hidden,
            channels if config.learned else config.dim,
            decoder.heads,
            decoder.intermediate,
            decoder.layers,
            decoder.dropout,
        ),
        _head(config),
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


def _reweighting(config: ModelConfig) -> DescriptionReweighting:
    if not config.reweight:
        return DescriptionEnsemble()
    return CenteredReweighting() if config.center_descriptions else DescriptionReweighting()


def _queries(config: ModelConfig) -> TextQueries | LearnedQueries:
    hidden = config.decoder.hidden
    return LearnedQueries(hidden) if config.learned else TextQueries(config.dim, hidden, config.standardize_text)


def _head(config: ModelConfig) -> SharedHead | OwnHead:
    hidden = config.decoder.hidden
    if config.learned:
        return OwnHead()
    return MatchingHead(hidden, config.dim) if config.decoder.matching else SharedHead(hidden)


def _similarity(config: ModelConfig, words: ClassWords | None) -> GlobalSimilarity | None:
    chosen = config.ensemble
    if chosen == EnsembleConfig():
        return None
    remembered, components = chosen.remembered_tags, chosen.pca_components
    return GlobalSimilarity(
        chosen.pooled_weight,
        chosen.classifier_weight,
        chosen.unseen_classifier_weight,
        words,
        Familiarity(remembered, config.dim, components > 0) if remembered else None,
        chosen.prior_correction,
        Novelty(components, config.dim) if components else None,
    )


def build_text_encoder(
    name: str, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> TextEncoder:
    """The text encoder a configuration names, where and in the numbers in which its model runs.

    Raises:
        ValueError: no such encoder.
        TextEncoderError: its package or weights are missing, or the model reads no texts.
    """
    if name == LEARNED:
        raise TextEncoderError(
            "Tag2Text knows only the tags it was trained on, which have no texts: ask for other categories with a RAM "
            "or RAM++ model, such as ram-plus-lite"
        )
    if name not in TEXT_ENCODERS:
        raise ValueError(f"text encoder {name!r} is unknown: choose one of {sorted(TEXT_ENCODERS)}")
    return TEXT_ENCODERS[name](device, dtype)
