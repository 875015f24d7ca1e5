"""Everything a run learns from: triplets, image features, the bank of tags, embedded captions, the teacher."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import torch
from filelock import FileLock
from safetensors.torch import load_file, save_file

from ram.errors import InputError
from ram.labels.label_system import shipped_synonyms
from ram.models.build import build_text_encoder
from ram.models.caption_text import CaptionText
from ram.models.config import ModelConfig
from ram.models.image_encoder import ImageEncoder
from ram.models.text_encoder import TextEncoder
from ram.runtime import Progress, atomic_write
from ram.text.bank import TagEmbeddingBank, refuse_unreadable, warn_of_unreadable
from ram.text.descriptions import TagDescriptions
from ram.text.files import write_json
from ram.text.vocabulary import TagVocabulary
from ram.training.data.class_reading import read_classes, weights_digest
from ram.training.data.guided_captions import CaptionSampler
from ram.training.data.shards import shuffle
from ram.training.data.sources import (
    check_sources,
    fingerprint,
    label_system,
    read_labels,
    read_sources,
    read_vocabulary,
)
from ram.training.data.triplets import Triplets, read_triplets
from ram.training.data.views import PictureSource, PixelSource, cached_patches
from ram.training.data_engine.dense_tags import join_dense_tags
from ram.training.data_engine.detected_tags import DetectedTags, TagDraws
from ram.training.data_engine.generated_tags import GeneratedTags, generate_tags, read_words
from ram.training.data_engine.imagenet import class_names
from ram.training.learned_tags import learned_bank
from ram.training.recipe import Recipe
from ram.training.stages import cut
from ram.training.teachers import ClipTeacher, Teacher, captions_teacher, classifier_teacher

CAPTION_OBJECTIVES = {"alignment", "contrastive"}
"""Objectives that need captions."""


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Data that a run learns from or is measured on.

    Args:
        triplets: images with their tags.
        pictures: source of their features.
        bank: the tags.
        captions: (all captions, dim) unit vectors in the order of the triplets; one row of zeros where not needed.
        first_caption: (images + 1,) where each image's captions begin.
        teacher: the teacher of the distillation loss, if any.
        classes: generated text queries that are not tags; their columns of the triplets follow those of the tags.
        held_out: images of the same sources that are held out, if any.
        probabilities: (images, classes) of the pretrained classifier, for the objective retention.
        hard: (images, tags) True for absent tags that look like one that the image has, if the dense teacher told.
        sampler: draws captions with the tags that guide them, for the objectives of a captioner.
        detected: draws tags that a detector finds probable.
    """

    triplets: Triplets
    pictures: PictureSource
    bank: TagEmbeddingBank
    captions: torch.Tensor
    first_caption: torch.Tensor
    teacher: Teacher | None = None
    classes: TagEmbeddingBank | None = None
    held_out: Triplets | None = None
    probabilities: torch.Tensor | None = None
    hard: torch.Tensor | None = None
    sampler: CaptionSampler | None = None
    detected: TagDraws | None = None

    @cached_property
    def queries(self) -> TagEmbeddingBank:
        """The bank that images are scored against in training, one entry for each column of the triplets."""
        return self.bank if self.classes is None else self.bank.join(self.classes)

    def order(self, generator: torch.Generator, buffer: int) -> torch.Tensor:
        """Return all indices (images,), shuffled for an epoch; see :func:`ram.training.data.shards.shuffle`."""
        return shuffle(self.triplets.pictures, generator, buffer)

    def draw_tags(self, ids: torch.Tensor, seeds: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(batch, tags) booleans twice, present and known, of images by the seeds of their draws: (batch,) each."""
        targets, known = self.triplets.targets[ids], self.triplets.known[ids]
        if self.detected is None:
            return targets, known
        targets[:, : len(self.bank)] |= self.detected.draw(ids, seeds)
        return targets, known | targets

    def draw_captions(
        self, ids: torch.Tensor, each: int, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw ``each`` captions of images (batch,), none twice while there are enough.

        Returns:
            (batch, each, dim) embeddings, and (batch,) whether the image has any caption.
        """
        first, counts = self.first_caption[ids], self.first_caption[ids + 1] - self.first_caption[ids]
        start = (torch.rand(len(ids), generator=generator) * counts).long()
        drawn = (start[:, None] + torch.arange(each)) % counts.clamp(min=1)[:, None]
        return self.captions[(first[:, None] + drawn).clamp(max=len(self.captions) - 1)], counts > 0

    def text_statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and deviation (dim,) of each channel over all descriptions and captions."""
        descriptions = self.bank.embedded.embeddings[self.bank.mask].float()
        texts = torch.cat([descriptions, self.captions]) if self.first_caption[-1] else descriptions
        return texts.mean(0), texts.std(0)


def read_training_set(
    recipe: Recipe,
    data: Path,
    output: Path,
    cache: Path,
    encoder: ImageEncoder,
    progress: Progress,
    text: CaptionText | None = None,
) -> TrainingSet:
    """Read what ``recipe.data`` names below ``data``.

    Caches go to ``cache``, the report of generated tags to ``output``. ``text`` is given where captioning is learned.

    Raises:
        InputError: a file is missing or malformed.
        TextEncoderError, TeacherError: the text encoder or the teacher is not available.
    """
    labels = read_labels(recipe.data, data)
    if recipe.model.learned:
        text_encoder, vocabulary = None, read_vocabulary(recipe.data, data, labels)
        bank = learned_bank(vocabulary, recipe, data)
    else:
        text_encoder = text_encoder_for(recipe.model)
        vocabulary, descriptions = label_system(recipe.data, data, labels)
        descriptions = descriptions.first(recipe.model.max_descriptions)
        bank = _build_bank(vocabulary, descriptions, text_encoder, cache, progress)
        own = {tag for each in labels for tags in each.tags for tag in tags}
        bank.select([tag for tag in vocabulary.tags if tag in own]).refuse_equal()
    sources = read_sources(recipe.data, data, labels, vocabulary, progress)
    triplets = check_sources(sources, len(vocabulary), output, "skipped.txt", recipe.data.workers, progress)
    held_out = None
    if recipe.data.dev_share:
        triplets, held_out = triplets.hold_out(recipe.data.dev_share, recipe.schedule.seed)
    detected = None
    if recipe.generated.detected:
        seen = DetectedTags.load(data / recipe.generated.detected)
        detected = seen.of(triplets.pictures, data, vocabulary.tags, recipe.generated.detected_absent)
        triplets = detected.join_known(triplets)
    captions, first = torch.zeros(1, recipe.model.dim), torch.zeros(len(triplets) + 1, dtype=torch.long)
    if text_encoder and (CAPTION_OBJECTIVES & set(recipe.objectives) or recipe.teacher == "captions"):
        captions = _embed_captions(triplets, text_encoder, cache, progress)
        first = torch.tensor([0] + [len(texts) for texts in triplets.captions]).cumsum(0)
    pictures = _open(recipe, triplets, cache, "patches", recipe.data.views, encoder, progress)
    logits, classes, hard = torch.empty(0), None, None
    dense = recipe.generated.dense_sure < 1
    if dense or recipe.teacher == "classifier" or recipe.generated.threshold < 1 or "retention" in recipe.objectives:
        reading = read_classes(recipe, pictures, triplets, vocabulary, encoder, cache, progress)
        logits = reading.logits
    if recipe.generated.threshold < 1:
        generated = _generate(recipe, data, triplets, logits.softmax(dim=1), vocabulary)
        write_json(output / "generated.json", generated.report, indent=1)
        triplets = generated.triplets
        if generated.classes and text_encoder:
            classes = TagEmbeddingBank.build(generated.classes.first(recipe.model.max_descriptions), text_encoder)
    if dense:
        triplets = join_dense_tags(triplets, reading.dense, reading.absent)
        hard = reading.absent & ~triplets.targets[:] if recipe.generated.dense_rejected else None
    teacher: Teacher | None = None
    if recipe.teacher == "captions":
        teacher = captions_teacher(captions, first)
    elif recipe.teacher == "classifier" and text_encoder:
        teacher = classifier_teacher((logits / recipe.teacher_temperature).softmax(dim=1), text_encoder)
    elif recipe.teacher == ClipTeacher.name:
        teacher = ClipTeacher(triplets.pictures, encoder.device)
    probabilities = logits.softmax(dim=1) if "retention" in recipe.objectives else None
    sampler = None if text is None else CaptionSampler(triplets, vocabulary, text, recipe.captions)
    return TrainingSet(
        triplets, pictures, bank, captions, first, teacher, classes, held_out, probabilities, hard, sampler, detected
    )


def read_dev_set(
    recipe: Recipe,
    data: Path,
    output: Path,
    cache: Path,
    training: TrainingSet,
    encoder: ImageEncoder,
    progress: Progress,
) -> TrainingSet | None:
    """Read the triplets of ``recipe.data.dev``, or take those that the training set holds out; None without either."""
    bank, triplets = training.bank, training.held_out
    if recipe.data.dev:
        file, folder = recipe.data.dev
        source = read_triplets(data / file, data / folder, len(bank))
        triplets = check_sources([source], len(bank), output, "skipped_dev.txt", recipe.data.workers, progress)
    if triplets is None:
        return None
    pictures = _open(recipe, triplets, cache, "dev", 1, encoder, progress)
    return TrainingSet(triplets, pictures, bank, torch.zeros(1, 1), torch.zeros(len(triplets) + 1, dtype=torch.long))


def text_encoder_for(model: ModelConfig) -> TextEncoder:
    """Load the text encoder of a model.

    Raises:
        InputError: there is no such encoder, or it has another width.
        TextEncoderError: it is not available.
    """
    text_encoder = build_text_encoder(model.text_encoder)
    if text_encoder.dim != model.dim:
        raise InputError(f"model.dim is {model.dim}: {text_encoder.name} needs {text_encoder.dim}")
    return text_encoder


def _open(
    recipe: Recipe, triplets: Triplets, folder: Path, name: str, views: int, encoder: ImageEncoder, progress: Progress
) -> PictureSource:
    image, stages = recipe.model.image, recipe.learning_stages
    if name != "dev" and image.train_size:
        image = dataclasses.replace(image, size=image.train_size)
    if not recipe.freeze_backbone:
        teacher = ClipTeacher.view if recipe.teacher == ClipTeacher.name and name != "dev" else None
        return PixelSource(triplets.pictures, image, recipe.data.workers, teacher)
    published = recipe.pretrained and not recipe.initialize
    weights = published or weights_digest(cut(encoder.backbone, stages).frozen if stages else [encoder.backbone])
    fields = {name: dataclasses.asdict(image)[name] for name in _CACHE_FIELDS}
    key = [str(path) for path in triplets.pictures], fields, weights, views, stages or [image.grid]
    cache = folder / f"{name}-{fingerprint(key)}.npy"
    label = f"looking at {len(triplets)} pictures in {views} views"
    return cached_patches(cache, triplets.pictures, image, encoder, views, partial(progress, label), stages)


_CACHE_FIELDS = ("backbone", "size", "mean", "std", "interpolation", "options")
"""Fields of an image encoder's configuration that decide the output of its frozen part."""


def _generate(
    recipe: Recipe, data: Path, triplets: Triplets, probabilities: torch.Tensor, vocabulary: TagVocabulary
) -> GeneratedTags:
    synonyms = shipped_synonyms() if recipe.data.vocabulary == "shipped" else {}
    exclude = read_words(data / recipe.generated.exclude) if recipe.generated.exclude else ()
    return generate_tags(triplets, probabilities, class_names(), vocabulary, synonyms, recipe.generated, exclude)


def _embed_captions(triplets: Triplets, text_encoder: TextEncoder, folder: Path, progress: Progress) -> torch.Tensor:
    """Return (all captions, dim) unit vectors."""
    sentences = [text for texts in triplets.captions for text in texts]
    if not sentences:
        raise InputError("the triplets hold no caption: leave the objectives that need captions out of the recipe")
    return _embed(sentences, "captions", text_encoder, folder, progress)


def _build_bank(
    vocabulary: TagVocabulary, descriptions: TagDescriptions, encoder: TextEncoder, folder: Path, progress: Progress
) -> TagEmbeddingBank:
    """Return the bank of the training label system in 16 bit: train on exactly what is saved.

    Raises:
        InputError: the text encoder cannot read a tag.
    """
    refuse_unreadable(descriptions, encoder)
    sentences = [text for tag in descriptions.tags for text in descriptions[tag]]
    embeddings = _embed(sentences, "descriptions", encoder, folder, progress)
    return TagEmbeddingBank.of_sentences(descriptions, embeddings, encoder, vocabulary).to("cpu", torch.float16)


def _embed(
    sentences: list[str], kind: str, text_encoder: TextEncoder, folder: Path, progress: Progress
) -> torch.Tensor:
    """Return (sentences, dim) unit vectors, cached in ``folder`` since they take minutes."""
    folder.mkdir(parents=True, exist_ok=True)
    cache = folder / f"{kind}-{fingerprint((text_encoder.name, sentences))}.safetensors"
    if not cache.is_file():
        with FileLock(cache.with_suffix(".lock")):
            if not cache.is_file():
                _write_embeddings(cache, sentences, kind, text_encoder, progress)
    return load_file(cache)[kind]


def _write_embeddings(
    cache: Path, sentences: list[str], kind: str, text_encoder: TextEncoder, progress: Progress, batch: int = 512
) -> None:
    warn_of_unreadable(sentences, kind, text_encoder)
    parts = []
    for start in range(0, len(sentences), batch):
        parts.append(text_encoder.encode(sentences[start : start + batch]))
        progress(f"embedding {len(sentences)} {kind}", min(start + batch, len(sentences)), len(sentences))
    with atomic_write(cache) as temporary:
        save_file({kind: torch.cat(parts)}, temporary)
