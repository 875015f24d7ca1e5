"""A training set of random values in the shapes of a recipe: nothing is read, so that the card alone is measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
import torch.nn.functional as F

from ram.models.image_encoder import ImageEncoder
from ram.text.bank import TagEmbeddingBank, pad
from ram.text.descriptions import TagDescriptions
from ram.text.vocabulary import TagVocabulary
from ram.training.data.sparse_tags import TagRows
from ram.training.data.training_set import TrainingSet
from ram.training.data.triplets import Triplets
from ram.training.data.views import PatchSource, PictureSource, PixelSource, Request, View
from ram.training.recipe import Recipe
from ram.training.stages import cut
from ram.training.teachers import ClipTeacher, Teacher

TAGS_PER_IMAGE, CAPTIONS_PER_IMAGE = 5, 1


def synthetic_training_set(
    recipe: Recipe, encoder: ImageEncoder, teacher: Teacher | None, images: int, tags: int, descriptions: int
) -> TrainingSet:
    """Make a training set whose images, tags and captions are random.

    Args:
        recipe: decides what an image is: pixels, or cached features of a frozen backbone or of its frozen part.
        encoder: of the model that learns.
        teacher: of the objective distillation.
        images, tags: their numbers.
        descriptions: of each tag.
    """
    generator = torch.Generator().manual_seed(0)
    paths = tuple(Path(f"{number}.jpg") for number in range(images))
    targets = TagRows.of(torch.randint(tags, (images, TAGS_PER_IMAGE), generator=generator).tolist(), tags)
    known = TagRows.of([range(tags)], tags).select(torch.zeros(images, dtype=torch.long))
    names = [f"tag {number}" for number in range(tags)]
    sentences = TagDescriptions({name: [f"{name}, {number}" for number in range(descriptions)] for name in names})
    embeddings = _unit_vectors(tags * descriptions, recipe.model.dim, generator)
    bank = TagEmbeddingBank(
        TagVocabulary.of(names),
        sentences,
        pad(embeddings.split(descriptions), recipe.model.dim),
        recipe.model.text_encoder,
    )
    classes = recipe.model.image.classes if "retention" in recipe.objectives else 0
    return TrainingSet(
        Triplets(paths, ((),) * images, targets, known),
        _pictures(recipe, encoder, images),
        bank,
        _unit_vectors(images * CAPTIONS_PER_IMAGE, recipe.model.dim, generator),
        torch.arange(images + 1) * CAPTIONS_PER_IMAGE,
        teacher,
        probabilities=torch.rand(images, classes, generator=generator).softmax(dim=1) if classes else None,
    )


class RandomPatches:
    """Stands for a cache on disk: (views, images, positions, channels) of which all images are alike."""

    def __init__(self, patches: torch.Tensor, views: int, images: int) -> None:
        self.patches = patches
        self.shape = (views, images, *patches.shape)

    def batch(self, ids: torch.Tensor, views: torch.Tensor) -> torch.Tensor:
        """Return (batch, positions, channels) float32."""
        return self.patches.repeat(len(ids), 1, 1)


class RandomPixels(PixelSource):
    """Random pixels in place of decoded crops, of the model's size and of the teacher's."""

    def views(self, requests: Iterable[Request]) -> Iterator[View]:
        """Yield the same random pixels for every request of one size."""
        sides = [self.training.size] if self.teacher is None else [self.training.size, self.teacher.size]
        crops = [torch.randn(1, 3, side, side) for side in sides]
        for ids, _ in requests:
            yield View(*(crop.repeat(len(ids), 1, 1, 1) for crop in crops))


def _pictures(recipe: Recipe, encoder: ImageEncoder, images: int) -> PictureSource:
    image, stages = recipe.model.image, recipe.learning_stages
    if not recipe.freeze_backbone:
        return RandomPixels((), image, 0, ClipTeacher.view if recipe.teacher == ClipTeacher.name else None)
    side = image.train_size or image.size
    pixels = torch.randn(1, 3, side, side, device=encoder.device)
    with torch.no_grad():
        begun = cut(encoder.backbone, stages).begin(pixels) if stages else encoder.patches(pixels)
    cache = RandomPatches(begun[0].cpu(), recipe.data.views, images)
    return PatchSource(cache, stages)  # type: ignore[arg-type]


def _unit_vectors(count: int, dim: int, generator: torch.Generator) -> torch.Tensor:
    return F.normalize(torch.randn(count, dim, generator=generator), dim=-1)
