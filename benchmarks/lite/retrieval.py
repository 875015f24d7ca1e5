"""Text to image retrieval over cached features (RAM++, Table 7)."""

from __future__ import annotations

import time

import numpy as np
import torch
import torch.nn.functional as F

from benchmarks.lite.scoring import BATCH
from ram.evaluation.metrics import picture_retrieval_recall, retrieval_recall
from ram.evaluation.retrieval import CaptionedPictures
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.image_encoder import ImageFeatures
from ram.tagger import Tagger

CHUNK = 500
WAYS = ("decoder", "pooled", "decoder+pooled")
"""Ways to compare a caption with an image; see :func:`ram.evaluation.retrieval.compare`."""


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
            columns.append(_compare(tagger, some, texts, way))
        taken = time.process_time() - began
        scores = torch.cat(columns).T.numpy()
        recalls, back = retrieval_recall(scores, captioned.owners), picture_retrieval_recall(scores, captioned.owners)
        rows[way] = {f"R@{k}": 100 * share for k, share in recalls.items()}
        rows[way] |= {f"photo to text R@{k}": 100 * share for k, share in back.items()}
        rows[way]["ms a query"] = 1000 * taken / len(texts)
    return rows


def _compare(tagger: Tagger, looks: ImageFeatures, texts: torch.Tensor, way: str) -> torch.Tensor:
    """(images, texts) logits or cosines."""
    cosines = F.normalize(looks.pooled.float(), dim=-1) @ texts.float().T
    if way == "pooled":
        return cosines
    queries = DescriptionEmbeddings(texts[:, None])
    parts = [
        tagger.score_batch(looks, queries.rows(slice(start, start + CHUNK))).logits.float()
        for start in range(0, len(texts), CHUNK)
    ]
    logits = torch.cat(parts, dim=1)
    return logits + tagger.contrast_scale * cosines if way == "decoder+pooled" else logits


def one_caption_each(captioned: CaptionedPictures, seed: int = 0) -> CaptionedPictures:
    """The images with one of their captions, drawn at random."""
    generator = np.random.default_rng(seed)
    drawn = tuple((texts[generator.integers(len(texts))],) for texts in captioned.captions)
    return CaptionedPictures(captioned.name, captioned.pictures, drawn)
