"""Build the model that a run begins with, and choose which of its parts are trained."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from ram.checkpoints.model_folder import load_model, load_strictly
from ram.checkpoints.window_tables import resize_window_table
from ram.errors import CheckpointError, InputError
from ram.models.build import build_model
from ram.models.config import ModelConfig
from ram.models.lite.class_words import ClassWords
from ram.models.lite.image_encoder import LiteImageEncoder
from ram.models.lite.matching import MatchingHead, StandardizedQueries
from ram.models.lite.standardize import Standardize
from ram.models.ram import TaggingModel
from ram.training.backbones import load_classifier, load_pretrained
from ram.training.data.caption_words import source_folder
from ram.training.data.training_set import TrainingSet, text_encoder_for
from ram.training.data_engine.imagenet import class_glosses
from ram.training.recipe import Recipe
from ram.training.stages import cut


def initial_model(recipe: Recipe, data: Path) -> TaggingModel:
    """Build a model with new weights on a pretrained backbone, or with those of ``recipe.initialize``.

    Raises:
        InputError: a backbone or its weights are not available, or the weights of the other model do not fit.
        TextEncoderError: the text encoder, which embeds a classifier's class names, is not available.
    """
    torch.manual_seed(recipe.schedule.seed)
    model = build_model(recipe.model)
    backbone = model.image_encoder.backbone
    words = model.image_encoder.words if isinstance(model.image_encoder, LiteImageEncoder) else None
    if recipe.initialize:
        _load_weights(model, recipe, data)
        if recipe.described_words and words is not None:
            words.use_described()
    elif recipe.pretrained:
        load_pretrained(backbone, recipe.model.image.backbone)
        if words is not None:
            _set_words(words, recipe.model)
    choose_learning(model, recipe)
    return model


def choose_learning(model: TaggingModel, recipe: Recipe) -> None:
    """Freeze what a recipe does not train, and recompute activations where it asks for that.

    Raises:
        InputError: the backbone has no such stages, or cannot recompute its activations.
    """
    backbone = model.image_encoder.backbone
    backbone.requires_grad_(not recipe.freeze_backbone)
    if recipe.learning_stages:
        cut(backbone, recipe.learning_stages).learn()
    if recipe.schedule.checkpointing:
        try:
            backbone.set_grad_checkpointing(True)  # type: ignore[operator]
        except (AssertionError, AttributeError):
            raise InputError(
                f"the backbone {recipe.model.image.backbone!r} cannot recompute its activations: "
                "set schedule.checkpointing = false"
            ) from None


def set_statistics(model: TaggingModel, training: TrainingSet) -> None:
    """Set mean and deviation of patches and texts from the training set, where the model standardizes them."""
    encoder = model.image_encoder
    if isinstance(encoder, LiteImageEncoder) and isinstance(encoder.standardize, Standardize):
        encoder.standardize.set(*training.pictures.statistics(encoder))
    if isinstance(model.queries, StandardizedQueries):
        model.queries.standardize.set(*training.text_statistics())
    if isinstance(model.head, MatchingHead):
        model.head.standardize.set(*training.text_statistics())


def set_learning(model: TaggingModel, freeze_backbone: bool) -> None:
    """Set training mode, except for a frozen backbone and for the batch norms of a trained one.

    Batch norms keep their statistics: small batches would spoil them, and averaged weights would not fit them.
    """
    model.train()
    model.image_encoder.backbone.train(not freeze_backbone)
    for module in model.image_encoder.backbone.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


def _load_weights(model: TaggingModel, recipe: Recipe, data: Path) -> None:
    """Load the weights of a model folder below ``data`` or of a shipped model; resize window tables to fit."""
    name, folder = recipe.initialize, source_folder(recipe.initialize, data)
    _, source, _ = load_model(folder)
    try:
        for part in recipe.initialize_parts or ("",):
            _load_part(model.get_submodule(part), source.get_submodule(part), folder.name)
    except AttributeError:
        raise InputError(
            f"initialize_parts names {part!r}, which is no part of both models: name modules, such as "
            "image_encoder.backbone"
        ) from None
    except CheckpointError as error:
        raise InputError(f"initialize is {name!r}, which is another architecture than [model]: {error}") from None


def _load_part(part: nn.Module, source: nn.Module, where: str) -> None:
    target = part.state_dict()
    weights = {
        key: resize_window_table(tensor, len(target[key])) if key in target and _is_table(key) else tensor
        for key, tensor in source.state_dict().items()
    }
    load_strictly(part, weights, where)


def _set_words(words: ClassWords, config: ModelConfig) -> None:
    """Set the backbone's ImageNet classifier, and the embeddings of its classes' WordNet names and glosses."""
    weight, bias = load_classifier(config.image.backbone)
    if len(bias) != config.image.classes:
        raise InputError(
            f"model.image.classes is {config.image.classes}: the classifier of {config.image.backbone!r} has "
            f"{len(bias)}"
        )
    words.set(weight, bias, text_encoder_for(config).encode(class_glosses()))


def _is_table(key: str) -> bool:
    return key.endswith("relative_position_bias_table")
