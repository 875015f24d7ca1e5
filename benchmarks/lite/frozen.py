"""Baselines on frozen features of the shipped models' backbone: class names, and a linear probe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from ram.models.config import ImageConfig
from ram.models.image_encoder import create_backbone
from ram.models.lite.image_encoder import LiteImageEncoder
from ram.models.text_encoder import encode_sentences
from ram.training.backbones import load_classifier, load_pretrained
from ram.training.data.views import cached_patches
from ram.training.data_engine.imagenet import class_names

BACKBONE = "tf_efficientnet_lite2"
CHANNELS = 1280
IMAGE = ImageConfig(BACKBONE, 256, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "bicubic", grid=4)
STEPS, RATE, DROPOUT = 200, 1e-3, 0.5
"""Chosen on 400 of 2,000 training photos of Flickr8k that the probe did not learn from."""


def frozen_patches(
    pictures: Sequence[Path], cache: Path, progress: Callable[[int, int], None] = lambda done, total: None
) -> torch.Tensor:
    """(images, 16, channels) of the pretrained backbone, in four rows; cached in a ``.npy`` file."""
    backbone = create_backbone(BACKBONE, {})
    load_pretrained(backbone, BACKBONE)
    encoder = LiteImageEncoder(backbone, CHANNELS, None, IMAGE).eval()
    source = cached_patches(cache, pictures, IMAGE, encoder, 1, progress)
    return torch.cat([source.plain_patches(encoder, ids) for ids in torch.arange(len(pictures)).split(256)])


def mean_patches(
    pictures: Sequence[Path], cache: Path, progress: Callable[[int, int], None] = lambda done, total: None
) -> torch.Tensor:
    """(images, channels) mean patch of the pretrained backbone."""
    return frozen_patches(pictures, cache, progress).mean(dim=1)


def class_name_scores(patches: torch.Tensor, tags: Sequence[str]) -> NDArray[np.float32]:
    """(images, tags) probability of the tag's nearest ImageNet class names.

    The class probabilities of an image average the embeddings of the class names. Their cosine with the tag's name
    orders the images; from 0 to 1 by (1 + cosine) / 2.
    """
    weight, bias = load_classifier(BACKBONE)
    names = encode_sentences([f"a photo of a {names[0]}." for names in class_names()])
    names = names - names.mean(dim=0)
    asked = encode_sentences([f"a photo of a {tag}." for tag in tags])
    asked = F.normalize(asked - asked.mean(dim=0), dim=-1)
    seen = F.normalize((patches @ weight.T + bias).softmax(dim=-1) @ names, dim=-1)
    return ((1 + seen @ asked.T) / 2).numpy().astype(np.float32)


class LinearProbe:
    """A supervised linear classifier of frozen features, one logistic regression a tag.

    Args:
        patches: (images, channels) mean patches of training images.
        targets: (images, tags) booleans.
        seed: of the order and of the dropout.
    """

    def __init__(self, patches: torch.Tensor, targets: NDArray[np.bool_], seed: int = 0) -> None:
        self._mean, self._std = patches.mean(dim=0), patches.std(dim=0).clamp(min=1e-4)
        wanted = torch.from_numpy(targets.astype(np.float32))
        self._layer = torch.nn.Linear(patches.shape[1], targets.shape[1])
        torch.nn.init.zeros_(self._layer.weight)
        self._layer.bias.data = torch.logit(wanted.mean(dim=0).clamp(1e-3, 0.99))
        given = (patches - self._mean) / self._std
        optimizer = torch.optim.AdamW(self._layer.parameters(), lr=RATE, weight_decay=0.3)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS)
        torch.manual_seed(seed)
        for _ in range(STEPS):
            rows = torch.randint(len(given), (256,))
            logits = self._layer(F.dropout(given[rows], DROPOUT))
            loss = F.binary_cross_entropy_with_logits(logits, wanted[rows]) * targets.shape[1]
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()

    @torch.no_grad()
    def __call__(self, patches: torch.Tensor) -> NDArray[np.float32]:
        """(images, tags) probabilities."""
        return self._layer((patches - self._mean) / self._std).sigmoid().numpy()
