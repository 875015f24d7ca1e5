"""Sizes of the speed benchmarks, with random models, banks and images."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F

from ram.checkpoints.registry import PUBLISHED
from ram.models.build import build_without_weights, restore_buffers
from ram.models.config import DecoderConfig, ImageConfig, ModelConfig
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.fast import accelerate
from ram.models.image_encoder import ImageFeatures
from ram.models.ram import TaggingModel
from ram.models.scoring import Scorer
from ram.models.text_encoder import TextEncoder


@dataclass(frozen=True)
class Size:
    """A model configuration with the numbers of tags and descriptions to score."""

    config: ModelConfig
    tags: int
    descriptions: int
    counts: tuple[int, ...]
    photo: tuple[int, int]
    photos: int


FULL = Size(PUBLISHED["ram-plus-swin-large"].config, 4585, 51, (10, 100, 1000, 4585, 10_000, 20_000), (4032, 3024), 32)
QUICK = Size(
    ModelConfig(
        name="quick",
        image=ImageConfig(
            "swin_tiny_patch4_window7_224",
            64,
            options={
                "img_size": 64,
                "window_size": 2,
                "embed_dim": 8,
                "depths": (1, 1, 1, 1),
                "num_heads": (1, 2, 4, 8),
            },
        ),
        text_encoder="clip-vit-b-16",
        dim=512,
        decoder=DecoderConfig(hidden=32, heads=4, intermediate=64, layers=2),
    ),
    60,
    5,
    (10, 30, 60),
    (64, 48),
    6,
)


def random_model(size: Size) -> TaggingModel:
    """Build an accelerated model with seeded initial weights.

    Query weights are larger than usual: otherwise all tags get nearly the same logit, unlike in a trained model, and
    any rounding changes which of them are the highest.
    """
    model, generator = build_without_weights(size.config), torch.Generator().manual_seed(0)
    weights = {}
    for name, meant in model.state_dict().items():
        weights[name] = torch.zeros(meant.shape)
        if meant.ndim > 1:
            weights[name].normal_(0, 0.2 if name.startswith("queries.") else 0.02, generator=generator)
        elif name.endswith("weight"):  # of a norm
            weights[name].fill_(1)
    weights["reweighting.log_scale"].fill_(-math.log(0.07))
    model.load_state_dict(weights, assign=True)
    assert restore_buffers(model)
    accelerate(model.eval().requires_grad_(False))
    return model


def random_bank(tags: int, size: Size) -> DescriptionEmbeddings:
    """Return a bank of random unit vectors."""
    generator = torch.Generator().manual_seed(1)
    bank = torch.empty(tags, size.descriptions, size.config.dim)
    for part in bank.split(500):
        part.copy_(F.normalize(torch.randn(part.shape, generator=generator), dim=-1))
    return DescriptionEmbeddings(bank)


def pictures(size: Size, batch: int = 1) -> torch.Tensor:
    """Return random pixels, (batch, 3, height, width)."""
    side = size.config.image.size
    return torch.randn(batch, 3, side, side, generator=torch.Generator().manual_seed(2))


def category_sentences() -> list[str]:
    """Return 51 sentences about one category."""
    return (Path(__file__).parent / "corgi.txt").read_text(encoding="utf-8").splitlines()


def typed_category(
    model: TaggingModel, encoder: TextEncoder, sentences: Sequence[str], features: ImageFeatures
) -> Callable[[], torch.Tensor]:
    """Return a function that embeds a category's sentences and scores it: (batch, 1) logits."""
    scorer, tokens = Scorer(model), features.tokens

    def embed_and_score() -> torch.Tensor:
        embedded = DescriptionEmbeddings(encoder.encode(sentences)[None].to(tokens.device, tokens.dtype))
        return scorer.score(features, embedded).logits

    return embed_and_score
