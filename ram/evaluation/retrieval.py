"""Retrieval: every caption of a data set against every image, by the decoder or the pooled token."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from ram.errors import InputError
from ram.evaluation.metrics import picture_retrieval_recall, retrieval_recall
from ram.evaluation.pictures import look_at, sound_pictures
from ram.labels.captions import read_captions, select_split
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.image_encoder import ImageFeatures
from ram.models.scoring import CHUNK
from ram.named_tags import tag_evidence
from ram.runtime import Progress, quiet
from ram.tagger import Tagger
from ram.text.bank import warn_of_unreadable
from ram.text.files import listed_path
from ram.text.tags_in_text import TagsInText

BY = ("decoder", "pooled", "decoder+pooled", "decoder+tags", "decoder+pooled+tags")
"""Ways to compare a caption with an image."""
USUAL = "decoder+pooled"
"""The way that is taken where none is named."""


@dataclass(frozen=True, eq=False)
class CaptionedPictures:
    """Images with their captions.

    Args:
        name: name to use in tables.
        pictures: (images,) files.
        captions: (images,) one caption or more of each.
    """

    name: str
    pictures: tuple[Path, ...]
    captions: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        if not self.pictures or len(self.pictures) != len(self.captions) or not all(self.captions):
            raise ValueError(f"{self.name} needs pictures, and at least one caption of each")

    @property
    def texts(self) -> list[str]:
        """(texts,) all captions, image by image."""
        return [text for captions in self.captions for text in captions]

    @property
    def owners(self) -> NDArray[np.int_]:
        """(texts,) index of the image that each text belongs to."""
        return np.repeat(np.arange(len(self.pictures)), [len(captions) for captions in self.captions])


def load_captioned(path: Path, images: Path | None = None, split: tuple[Path, str] | None = None) -> CaptionedPictures:
    """Read ``[{"image": "1.jpg", "captions": ["...", ...]}, ...]``, as ``ram parse`` takes it.

    Args:
        path: the file.
        images: folder to which image paths are relative; that of the file where None.
        split: a JSON file ``{"test": ["1.jpg", ...], ...}`` and the name of the split to take.

    Raises:
        InputError: a file is malformed, or an image has no caption.
        ImageError: images are missing or their headers are unreadable; the message names them.
    """
    texts, name = read_captions(path), path.stem
    if split is not None:
        texts, name = select_split(texts, *split), f"{name} {split[1]}"
    for image, each in texts.items():
        if not (each.captions and each.sentences):
            raise InputError(f"{path.name} has no captions of {image}: give one at least of each picture")
    folder = path.parent if images is None else images
    files = sound_pictures(tuple(texts), {image: listed_path(folder, image) for image in texts}, name)
    return CaptionedPictures(name, files, tuple(tuple(each.sentences) for each in texts.values()))


@dataclass(frozen=True, eq=False)
class Similarities:
    """A score for every pair of a caption and an image, and the time that scoring took.

    Args:
        values: (texts, images) logits, or cosines of the pooled token.
        seconds: spent on comparing, without encoding images and captions.
    """

    values: NDArray[np.float32]
    seconds: float

    @property
    def seconds_per_query(self) -> float:
        """Seconds in which one caption is compared with all images, whose features are at hand."""
        return self.seconds / len(self.values)

    def recalls(self, owners: NDArray[np.int_]) -> dict[str, dict[str, float]]:
        """R@1, R@5 and R@10 in both directions, as fractions: ``{"text_to_picture": {"R@1": ...}, ...}``."""
        directions = {
            "text_to_picture": retrieval_recall(self.values, owners),
            "picture_to_text": picture_retrieval_recall(self.values, owners),
        }
        return {name: {f"R@{k}": share for k, share in recall.items()} for name, recall in directions.items()}


def evaluate_retrieval(
    tagger: Tagger, captioned: CaptionedPictures, by: str = USUAL, progress: Progress = quiet
) -> dict[str, dict[str, float]]:
    """Compute R@1, R@5 and R@10 in both directions, as fractions: ``{"text_to_picture": {"R@1": ...}, ...}``.

    Raises:
        InputError: ``by`` is not one of :data:`BY`.
        ImageError: some images cannot be read; the message names them.
    """
    return compare(tagger, captioned, by, progress).recalls(captioned.owners)


def similarities(
    tagger: Tagger, captioned: CaptionedPictures, by: str = USUAL, progress: Progress = quiet
) -> NDArray[np.float32]:
    """The (texts, images) values of :func:`compare`."""
    return compare(tagger, captioned, by, progress).values


@torch.inference_mode()
def compare(
    tagger: Tagger, captioned: CaptionedPictures, by: str = USUAL, progress: Progress = quiet
) -> Similarities:
    """Compute how well every caption fits every image, and how long that takes.

    The ways are those of :func:`compare_features`. "+tags" adds the evidence of the predefined tags that the caption
    names (:mod:`ram.named_tags`); "decoder+pooled+tags" is how a library ranks photos for a sentence.

    Returns:
        Values in the order of ``captioned.texts`` and ``captioned.pictures``.

    Raises:
        InputError: ``by`` is not one of :data:`BY`.
        ImageError: some images cannot be read; the message names them.
    """
    if by not in BY:
        raise InputError(f"captions are compared by {' or '.join(BY)}, not by {by!r}")
    texts = _embed(tagger, captioned.texts, progress).to(tagger.device, tagger.dtype)
    way, vocabulary = by.removesuffix("+tags"), tagger.bank.vocabulary
    named = None if way == by else _named(captioned.texts, vocabulary.tags).to(tagger.device)

    def fits(features: ImageFeatures) -> torch.Tensor:
        scores = compare_features(tagger, features, texts, way)
        if named is None:
            return scores
        logits = tagger.score_batch(features, tagger.bank).logits.float()
        return scores + tag_evidence(logits, vocabulary.thresholds) @ named.T

    columns, seconds = [], 0.0
    for features in look_at(tagger, captioned.pictures, progress):
        features.pooled.cpu()  # an accelerator ends its work on the images here
        started = time.perf_counter()
        columns.append(fits(features).cpu())
        seconds += time.perf_counter() - started
    return Similarities(torch.cat(columns).T.numpy(), seconds)


def compare_features(tagger: Tagger, features: ImageFeatures, texts: torch.Tensor, way: str) -> torch.Tensor:
    """Compare a batch of images with embedded texts: (images, texts).

    A text is scored as a tag with one description: "decoder" gives the logit of the tagging model, "pooled" the cosine
    of its embedding and the pooled token, which is cheap. "decoder+pooled" adds the cosine to the logit, at the scale
    that training learned for it, as BLIP (Li et al. 2022) adds contrast and matching; of a model without a scale it is
    the decoder alone.

    Args:
        tagger: the model.
        features: of the images.
        texts: (texts, dim) unit vectors.
        way: one of the three.
    """
    if way == "decoder":
        return tagger.score_batch(features, DescriptionEmbeddings(texts[:, None])).logits.float()
    cosines = F.normalize(features.pooled.float(), dim=-1) @ texts.float().T
    if way == "pooled":
        return cosines
    return compare_features(tagger, features, texts, "decoder") + tagger.contrast_scale * cosines


def _named(texts: Sequence[str], tags: Sequence[str]) -> torch.Tensor:
    """(texts, tags) 1 where a text names a tag."""
    finder, named = TagsInText(tags), torch.zeros(len(texts), len(tags))
    for row, text in enumerate(texts):
        named[row, finder.find(text)] = 1
    return named


def _embed(tagger: Tagger, texts: Sequence[str], progress: Progress) -> torch.Tensor:
    """Return (texts, dim) unit vectors."""
    warn_of_unreadable(texts, "captions", tagger.text_encoder)
    parts = []
    for start in range(0, len(texts), CHUNK):
        progress("embedding captions", start, len(texts))
        parts.append(tagger.text_encoder.encode(texts[start : start + CHUNK]))
    return torch.cat(parts)
