"""A small tagger on frozen features, trained in seconds: the mean patch is mapped to the texts of tags.

It stands for RAM and RAM++ where a question is about the data. RAM has one sentence a tag; RAM++ blends several by
re-weighting, and learns captions as well.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.losses import asymmetric_loss
from ram.models.reweighting import DescriptionReweighting

RATE, DECAY, DROPOUT, BATCH = 2e-3, 0.05, 0.3, 128
CAPTION_WEIGHT = 20.0
"""Weight of the contrast with captions beside the loss of tags, which is a sum over the tags."""


class Aligner(nn.Module):
    """A linear map of the mean patch, compared with texts by their cosine.

    Args:
        patches: (images, channels) mean patches, for their statistics.
        center: (dim,) mean of the texts, which is taken away from all.
    """

    def __init__(self, patches: torch.Tensor, center: torch.Tensor) -> None:
        super().__init__()
        self.mean, self.std = patches.mean(dim=0), patches.std(dim=0).clamp(min=1e-4)
        self.center = center
        self.project = nn.Linear(patches.shape[1], len(center))
        self.dropout = nn.Dropout(DROPOUT)
        self.reweighting = DescriptionReweighting()
        self.scale, self.bias = nn.Parameter(torch.tensor(10.0)), nn.Parameter(torch.tensor(-3.0))

    def pooled(self, patches: torch.Tensor) -> torch.Tensor:
        """(images, channels) to (images, dim) unit vectors."""
        return F.normalize(self.project(self.dropout((patches - self.mean) / self.std)), dim=-1)

    def forward(self, patches: torch.Tensor, texts: DescriptionEmbeddings) -> torch.Tensor:
        """(images, channels) and texts of tags to (images, tags) logits."""
        pooled = self.pooled(patches)
        if texts.embeddings.shape[1] == 1:
            cosines = pooled @ F.normalize(texts.embeddings[:, 0] - self.center, dim=-1).T
        else:
            blended, _ = self.reweighting(pooled, texts)
            cosines = torch.einsum("nd,ntd->nt", pooled, F.normalize(blended - self.center, dim=-1))
        return self.scale * cosines + self.bias

    @torch.no_grad()
    def probabilities(self, patches: torch.Tensor, texts: DescriptionEmbeddings) -> NDArray[np.float32]:
        """(images, tags)."""
        self.eval()
        return torch.cat([self(some, texts).sigmoid() for some in patches.split(200)]).numpy()


def train_aligner(
    patches: torch.Tensor,
    targets: NDArray[np.bool_],
    texts: DescriptionEmbeddings,
    seed: int,
    epochs: int,
    captions: torch.Tensor | None = None,
    start: Aligner | None = None,
    rate: float = RATE,
) -> Aligner:
    """Train on images with their tags.

    Args:
        patches: (images, channels).
        targets: (images, tags).
        texts: of the tags.
        seed: of the initial weights and of the order.
        epochs: passes over the images.
        captions: (images, dim) unit vectors of a caption each, for a contrast with the pooled token; or None.
        start: continue from a copy of this one.
        rate: greatest learning rate; it rises and falls in one cycle.
    """
    torch.manual_seed(seed)
    model = copy.deepcopy(start) if start is not None else Aligner(patches, texts.mean().mean(dim=0))
    wanted = torch.from_numpy(targets.astype(np.float32))
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=DECAY)
    steps = epochs * -(-len(patches) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    model.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(patches)).split(BATCH):
            loss = asymmetric_loss(model(patches[rows], texts), wanted[rows], gamma_neg=4.0) / len(rows)
            if captions is not None:
                loss = loss + CAPTION_WEIGHT * _contrast(model, patches[rows], captions[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()


def _contrast(model: Aligner, patches: torch.Tensor, captions: torch.Tensor) -> torch.Tensor:
    logits = model.scale * model.pooled(patches) @ F.normalize(captions - model.center, dim=-1).T
    own = torch.arange(len(logits))
    return (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
