"""Build the model that a run begins with, and choose which of its parts are trained."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from ram.checkpoints.model_folder import load_model, load_strictly
from ram.checkpoints.registry import find_model
from ram.checkpoints.window_tables import resize_window_table
from ram.errors import CheckpointError, InputError
from ram.models.build import build_model
from ram.models.config import ModelConfig
from ram.models.lite.class_words import ClassWords
from ram.models.lite.image_encoder import LiteImageEncoder
from ram.models.lite.matching import MatchingHead, StandardizedQueries
from ram.models.lite.model import LiteModel
from ram.models.lite.standardize import Standardize
from ram.models.ram import TaggingModel
from ram.training.backbones import load_classifier, load_pretrained
from ram.training.data.training_set import TrainingSet, text_encoder_for
from ram.training.data.views import evenly_spread
from ram.training.data_engine.imagenet import class_glosses
from ram.training.recipe import Recipe
from ram.training.stages import cut

NOVELTY_PICTURES = 1500
"""Images, at most, of each set that novelty is fitted to."""


def initial_model(recipe: Recipe, data: Path) -> TaggingModel:
    """Build a model with new weights on a pretrained backbone, or with all weights of ``recipe.initialize``.

    Raises:
        InputError: a backbone or its weights are not available, or the weights of the other model do not fit.
        TextEncoderError: the text encoder, which embeds a classifier's class names, is not available.
    """
    torch.manual_seed(recipe.schedule.seed)
    model = build_model(recipe.model)
    backbone = model.image_encoder.backbone
    if recipe.initialize:
        _load_weights(model, recipe.initialize, data)
    elif recipe.pretrained:
        load_pretrained(backbone, recipe.model.image.backbone)
        encoder = model.image_encoder
        if isinstance(encoder, LiteImageEncoder) and encoder.words is not None:
            _set_words(encoder.words, recipe.model)
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


def set_familiar(model: TaggingModel, training: TrainingSet, first: bool = True) -> None:
    """Store the tags of the training set in a model that remembers tags.

    Args:
        model: remembers the tags that are most frequent.
        training: the set.
        first: store their frequencies too. A further training keeps the novelty that was fitted to the first one's
            images, to which other frequencies do not belong.
    """
    if isinstance(model, LiteModel):
        device = model.image_encoder.device
        pictures = training.triplets.targets[:].sum(dim=0)
        of = len(training.triplets) if first else None
        model.remember(training.queries.embedded.to(device, torch.float32), pictures.to(device), of)


@torch.inference_mode()
def set_novelty(model: TaggingModel, training: TrainingSet, held_out: TrainingSet, batch: int) -> None:
    """Fit the novelty of images to a trained model in evaluation mode, where the model has it.

    Args:
        model: its image encoder embeds the images.
        training: gives the principal components.
        held_out: gives the usual distances from them.
        batch: images embedded together.
    """
    if not isinstance(model, LiteModel) or model.ensemble.novelty is None:
        return

    def pooled(images: TrainingSet) -> torch.Tensor:
        batches = evenly_spread(len(images.triplets), NOVELTY_PICTURES, batch)
        return torch.cat([images.pictures.look_plainly(model.image_encoder, ids).pooled for ids in batches])

    model.ensemble.novelty.fit(pooled(training), pooled(held_out))


def set_learning(model: TaggingModel, freeze_backbone: bool) -> None:
    """Set training mode, except for a frozen backbone and for the batch norms of a trained one.

    Batch norms keep their statistics: small batches would spoil them, and averaged weights would not fit them.
    """
    model.train()
    model.image_encoder.backbone.train(not freeze_backbone)
    for module in model.image_encoder.backbone.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


def _load_weights(model: TaggingModel, name: str, data: Path) -> None:
    """Load every weight of a model folder below ``data`` or of a shipped model; resize window tables to fit."""
    folder = find_model(data / name if (data / name).is_dir() else name)
    _, source, _ = load_model(folder)
    target = model.state_dict()
    weights = {
        key: resize_window_table(tensor, len(target[key])) if key in target and _is_table(key) else tensor
        for key, tensor in source.state_dict().items()
    }
    try:
        load_strictly(model, weights, folder.name)
    except CheckpointError as error:
        raise InputError(f"initialize is {name!r}, which is another architecture than [model]: {error}") from None


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
