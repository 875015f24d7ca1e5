"""Classify all training images once by the pretrained backbone's ImageNet classifier, and keep the result in a file."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import torch
from filelock import FileLock
from safetensors.torch import load_file, save_file
from torch import nn

from ram.models.image_encoder import ImageEncoder
from ram.runtime import Progress, atomic_write
from ram.text.vocabulary import TagVocabulary
from ram.training.backbones import load_classifier
from ram.training.data.sources import fingerprint
from ram.training.data.triplets import Triplets
from ram.training.data.views import PictureSource
from ram.training.data_engine.dense_tags import DenseTeacher, class_membership, generated, rejected, rival_tags
from ram.training.recipe import Recipe

BATCH = 64
"""Images that are read together."""


@dataclasses.dataclass(frozen=True, eq=False)
class ClassReading:
    """Logits and tags that the classifier gives each image, without augmentation.

    Args:
        logits: (images, classes) of the mean patch, float32.
        dense: (images, tags) True where the dense teacher generates a tag; no column where the recipe has none.
        absent: (images, tags) True where it rejects one that looks like a tag it sees.
    """

    logits: torch.Tensor
    dense: torch.Tensor
    absent: torch.Tensor


def read_classes(
    recipe: Recipe,
    pictures: PictureSource,
    triplets: Triplets,
    vocabulary: TagVocabulary,
    encoder: ImageEncoder,
    folder: Path,
    progress: Progress,
) -> ClassReading:
    """Read the classes of all images, or take them from the file in ``folder`` that an earlier run left.

    Args:
        recipe: names the backbone, and when the dense teacher generates a tag.
        pictures: source of the backbone's patches.
        triplets: the images.
        vocabulary: the training label system.
        encoder: holds the backbone in evaluation mode.
        folder: of caches.
        progress: called with the images that are done.
    """
    key = (
        [str(path) for path in triplets.pictures], list(vocabulary.tags), dataclasses.asdict(recipe.model.image),
        dataclasses.asdict(recipe.generated), weights_digest([encoder.backbone]),
    )  # fmt: skip
    file = folder / f"classes-{fingerprint(key)}.safetensors"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_suffix(".lock")):
        if not file.is_file():
            read = _read(recipe, pictures, len(triplets), vocabulary, encoder, progress)
            with atomic_write(file) as temporary:
                save_file(vars(read), temporary)
    return ClassReading(**load_file(file))


@torch.inference_mode()
def _read(
    recipe: Recipe,
    pictures: PictureSource,
    count: int,
    vocabulary: TagVocabulary,
    encoder: ImageEncoder,
    progress: Progress,
) -> ClassReading:
    report = partial(progress, f"asking the classifier about {count} pictures")
    weight, bias = load_classifier(recipe.model.image.backbone)
    sure, agreed = recipe.generated.dense_sure, recipe.generated.dense_agreed
    ids_of_tags = {tag: id_ for id_, tag in enumerate(vocabulary.tags)}
    teacher = DenseTeacher(weight, bias, class_membership(ids_of_tags))
    rivals = rival_tags(weight, class_membership(ids_of_tags, kinds=False), teacher.members)
    none = torch.empty(count, 0, dtype=torch.bool)
    logits, dense, absent = [], [], []
    for ids in torch.arange(count).split(BATCH):
        patches = pictures.plain_patches(encoder, ids).float().cpu()
        logits.append(patches.mean(dim=1) @ weight.T + bias)
        if sure < 1:
            seen = teacher.look(patches)
            dense.append(generated(*seen, sure, agreed))
            absent.append(rejected(*seen, rivals, sure, recipe.generated.dense_rejected))
        report(int(ids[-1]) + 1, count)
    return ClassReading(torch.cat(logits), *(torch.cat(x) if x else none for x in (dense, absent)))


def weights_digest(modules: Iterable[nn.Module]) -> str:
    """Return a hash of weights: a model folder may have been trained anew under its old name."""
    digest = hashlib.sha256()
    for module in modules:
        for tensor in module.state_dict().values():
            digest.update(tensor.cpu().numpy().tobytes())
    return digest.hexdigest()
