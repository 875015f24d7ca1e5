"""ONNX graphs of a tagger: look, score and embed apart, or all in one with a fixed vocabulary.

Every graph takes any batch; ``score`` takes any number of tags and of descriptions, so a typed category needs no new
graph. Preparing photos is left to the program, but for the baked graph, which takes pixels as programs for WD taggers
give them: (batch, size, size, 3), blue first, 0 to 255.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.export import Dim

from ram.errors import InputError, MissingPackageError
from ram.models.config import ModelConfig
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.image_encoder import ImageFeatures
from ram.models.lite.model import LiteModel, total
from ram.models.ram import TaggingModel
from ram.models.text_encoder import MiniLMTextEncoder

BATCH, TAGS, DESCRIPTIONS, WORDS = "batch", "tags", "descriptions", "words"
LOOK, SCORE, EMBED, BAKED = "look.onnx", "score.onnx", "embed.onnx", "model.onnx"
OPSET = 20


class LookGraph(nn.Module):
    """(batch, 3, size, size) normalized pixels to tokens, and where there is a classifier its (batch, classes)."""

    def __init__(self, model: TaggingModel) -> None:
        super().__init__()
        self.encoder = model.image_encoder

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
        features = self.encoder(pixels)
        classes = features.class_probabilities
        return (features.tokens,) if classes is None else (features.tokens, classes)


class ScoreGraph(nn.Module):
    """Tokens, (tags, descriptions, dim) embeddings and their mask to (batch, tags) logits, and weights."""

    def __init__(self, model: TaggingModel) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, tokens: torch.Tensor, embeddings: torch.Tensor, mask: torch.Tensor, classes: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        bank, features = DescriptionEmbeddings(embeddings, mask), ImageFeatures(tokens)
        blended, weights = self.model.reweighting(features.pooled, bank)
        logits = self.model.decode(features, blended)
        if isinstance(self.model, LiteModel):
            tags = self.model.prepare(bank)
            logits = total(self.model.evidence(logits, features, tags))
            if classes is not None and tags.similarity is not None:  # the same as the ensemble's, for any batch
                best = (tags.similarity * classes[:, None]).amax(dim=-1)
                logits = logits + self.model.ensemble.config.classifier_weight * best
        return logits, weights


class BakedGraph(nn.Module):
    """(batch, size, size, 3) pixels, blue first, 0 to 255, to (batch, tags) probabilities of a fixed vocabulary."""

    mean: torch.Tensor
    std: torch.Tensor
    embeddings: torch.Tensor
    mask: torch.Tensor

    def __init__(self, model: TaggingModel, config: ModelConfig, bank: DescriptionEmbeddings) -> None:
        super().__init__()
        self.look, self.score = LookGraph(model), ScoreGraph(model)
        self.register_buffer("mean", 255 * torch.tensor(config.image.mean))
        self.register_buffer("std", 255 * torch.tensor(config.image.std))
        self.register_buffer("embeddings", bank.embeddings.float())
        mask = torch.ones(bank.embeddings.shape[:2], dtype=torch.bool) if bank.mask is None else bank.mask
        self.register_buffer("mask", mask)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        normalized = (pixels.flip(-1) - self.mean) / self.std
        tokens, *classes = self.look(normalized.permute(0, 3, 1, 2))
        return self.score(tokens, self.embeddings, self.mask, *classes)[0].sigmoid()


class EmbedGraph(nn.Module):
    """(sentences, words) token ids and their mask to (sentences, dim) unit vectors of MiniLM."""

    def __init__(self, encoder: MiniLMTextEncoder) -> None:
        super().__init__()
        self.bert = encoder.model

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        states = self.bert(ids, mask)
        present = mask[..., None].to(states.dtype)
        return nn.functional.normalize((states * present).sum(1) / present.sum(1), dim=-1)


def write_look(path: Path, model: TaggingModel, size: int) -> None:
    """Write the image encoder: ``pixels`` to ``tokens`` and, of a small model, ``classes``."""
    graph, pixels = LookGraph(model), torch.zeros(2, 3, size, size)
    with torch.no_grad():
        outputs = ("tokens", "classes")[: len(graph(pixels))]
    _write(path, graph, {"pixels": pixels}, outputs, {"pixels": {0: BATCH}})


def write_score(path: Path, model: TaggingModel, size: int, dim: int) -> None:
    """Write the rest: ``tokens``, ``embeddings``, ``mask`` and ``classes`` to ``logits`` and ``weights``."""
    with torch.no_grad():
        tokens, *classes = LookGraph(model)(torch.zeros(2, 3, size, size))
    inputs = {"tokens": tokens, "embeddings": torch.rand(5, 3, dim), "mask": torch.ones(5, 3, dtype=torch.bool)}
    rows = {0: TAGS, 1: DESCRIPTIONS}
    axes: dict[str, dict[int, str]] = {"tokens": {0: BATCH}, "embeddings": rows, "mask": rows}
    if classes:
        inputs["classes"], axes["classes"] = classes[0], {0: BATCH}
    _write(path, ScoreGraph(model), inputs, ("logits", "weights"), axes)


def write_embed(path: Path, encoder: MiniLMTextEncoder) -> None:
    """Write the text encoder: ``ids`` and ``mask`` to ``embeddings``."""
    inputs = {name: torch.ones(2, 6, dtype=torch.long) for name in ("ids", "mask")}
    axes = {0: BATCH, 1: WORDS}
    _write(path, EmbedGraph(encoder), inputs, ("embeddings",), {"ids": axes, "mask": axes})


def write_baked(path: Path, model: TaggingModel, config: ModelConfig, bank: DescriptionEmbeddings) -> None:
    """Write all in one, for a fixed vocabulary: ``pixels`` to ``probabilities``."""
    pixels = torch.zeros(2, config.image.size, config.image.size, 3)
    graph = BakedGraph(model, config, bank)
    _write(path, graph, {"pixels": pixels}, ("probabilities",), {"pixels": {0: BATCH}})


def _write(
    path: Path,
    graph: nn.Module,
    inputs: Mapping[str, torch.Tensor],
    outputs: tuple[str, ...],
    axes: Mapping[str, Mapping[int, str]],
) -> None:
    dims: dict[str, Any] = {}
    shapes = {name: {i: dims.setdefault(d, Dim(d, min=1)) for i, d in axes[name].items()} for name in inputs}
    try:
        import onnxscript  # noqa: F401
    except ImportError:
        raise MissingPackageError("writing ONNX needs packages that are not here: pip install 'ram[onnx]'") from None
    large = sum(tensor.nbytes for tensor in graph.state_dict().values()) > 1_900_000_000  # a file has 2 GB at most
    with _quiet(), torch.no_grad():
        torch.onnx.export(
            graph.eval(), kwargs=dict(inputs), f=path, dynamo=True, input_names=list(inputs), opset_version=OPSET,
            output_names=list(outputs), dynamic_shapes=shapes, external_data=large, verbose=False,
        )  # fmt: skip


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's remarks about its own parts from the person who exports."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def check_exportable(config: ModelConfig) -> None:
    """Raise ``InputError`` where a model has no form that these graphs can take."""
    if config.learned:
        raise InputError(f"{config.name} has learned tags without texts: export a RAM or RAM++ model")
