"""Retrieval: every caption of a data set against every image, by the decoder or the pooled token."""

from __future__ import annotations

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
from ram.runtime import Progress, quiet
from ram.tagger import Tagger
from ram.text.bank import warn_of_unreadable
from ram.text.files import listed_path

BY = ("decoder", "pooled")
"""Ways to compare a caption with an image."""


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
            raise InputError(f"{path.name} has no captions of {image}: retrieval needs one at least of each picture")
    folder = path.parent if images is None else images
    files = sound_pictures(tuple(texts), {image: listed_path(folder, image) for image in texts}, name)
    return CaptionedPictures(name, files, tuple(tuple(each.sentences) for each in texts.values()))


def evaluate_retrieval(
    tagger: Tagger, captioned: CaptionedPictures, by: str = "decoder", progress: Progress = quiet
) -> dict[str, dict[str, float]]:
    """Compute R@1, R@5 and R@10 in both directions, as fractions: ``{"text_to_picture": {"R@1": ...}, ...}``.

    Raises:
        InputError: ``by`` is not one of :data:`BY`.
        ImageError: some images cannot be read; the message names them.
    """
    found, owners = similarities(tagger, captioned, by, progress), captioned.owners
    directions = {
        "text_to_picture": retrieval_recall(found, owners),
        "picture_to_text": picture_retrieval_recall(found, owners),
    }
    return {name: {f"R@{k}": share for k, share in recall.items()} for name, recall in directions.items()}


@torch.inference_mode()
def similarities(
    tagger: Tagger, captioned: CaptionedPictures, by: str = "decoder", progress: Progress = quiet
) -> NDArray[np.float32]:
    """Compute how well every caption fits every image.

    A caption is scored as a tag with one description: "decoder" gives the logit of the tagging model, "pooled" the
    cosine of its embedding and the pooled token, which is cheap.

    Returns:
        (texts, images) in the order of ``captioned.texts``.

    Raises:
        InputError: ``by`` is not one of :data:`BY`.
        ImageError: some images cannot be read; the message names them.
    """
    if by not in BY:
        raise InputError(f"captions are compared by {' or '.join(BY)}, not by {by!r}")
    texts = _embed(tagger, captioned.texts, progress).to(tagger.device, tagger.dtype)
    queries = DescriptionEmbeddings(texts[:, None])

    def compare(features: ImageFeatures) -> torch.Tensor:
        if by == "pooled":
            return F.normalize(features.pooled.float(), dim=-1) @ texts.float().T
        return tagger.score_batch(features, queries).logits.float()

    columns = [compare(features).cpu() for features in look_at(tagger, captioned.pictures, progress)]
    return torch.cat(columns).T.numpy()


def _embed(tagger: Tagger, texts: Sequence[str], progress: Progress) -> torch.Tensor:
    """Return (texts, dim) unit vectors."""
    warn_of_unreadable(texts, "captions", tagger.text_encoder)
    parts = []
    for start in range(0, len(texts), CHUNK):
        progress("embedding captions", start, len(texts))
        parts.append(tagger.text_encoder.encode(texts[start : start + CHUNK]))
    return torch.cat(parts)
