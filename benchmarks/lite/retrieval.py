"""Text to image retrieval over cached features (RAM++, Table 7)."""

from __future__ import annotations

import time

import numpy as np
import torch

from benchmarks.lite.scoring import BATCH
from ram.evaluation.metrics import picture_retrieval_recall, retrieval_recall
from ram.evaluation.retrieval import CaptionedPictures, compare_features
from ram.models.image_encoder import ImageFeatures
from ram.tagger import Tagger

WAYS = ("decoder", "pooled", "decoder+pooled")
"""Ways to compare a caption with an image; see :func:`ram.evaluation.retrieval.compare_features`."""


@torch.inference_mode()
def retrieval_rows(
    tagger: Tagger, looks: ImageFeatures, captioned: CaptionedPictures, ways: tuple[str, ...] = WAYS
) -> dict[str, dict[str, float]]:
    """R@1, R@5 and R@10 in percent, and the milliseconds of processor time that a caption takes.

    Args:
        tagger: the model.
        looks: features of the images, in their order.
        captioned: images with captions.
        ways: of :data:`WAYS`.

    Returns:
        Figures by way: "R@1" of captions that find their image, "photo to text R@1" of images that find one of their
        captions. The time is that of comparing a caption, already embedded, with all images.
    """
    texts = tagger.text_encoder.encode(captioned.texts).to(tagger.dtype)
    rows = {}
    for way in ways:
        began, columns = time.process_time(), []
        for start in range(0, len(looks.tokens), BATCH):
            some = looks.rows(slice(start, start + BATCH))
            columns.append(compare_features(tagger, some, texts, way))
        taken = time.process_time() - began
        scores = torch.cat(columns).T.numpy()
        recalls, back = retrieval_recall(scores, captioned.owners), picture_retrieval_recall(scores, captioned.owners)
        rows[way] = {f"R@{k}": 100 * share for k, share in recalls.items()}
        rows[way] |= {f"photo to text R@{k}": 100 * share for k, share in back.items()}
        rows[way]["ms a query"] = 1000 * taken / len(texts)
    return rows


def one_caption_each(captioned: CaptionedPictures, seed: int = 0) -> CaptionedPictures:
    """The images with one of their captions, drawn at random."""
    generator = np.random.default_rng(seed)
    drawn = tuple((texts[generator.integers(len(texts))],) for texts in captioned.captions)
    return CaptionedPictures(captioned.name, captioned.pictures, drawn)
