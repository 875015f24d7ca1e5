"""Looks of photos on disk: int8 tokens with a scale each, one row a photo.

Plain files that are memory-mapped. Pooled tokens and class probabilities have files of their own, so that a search
reads 388 bytes a photo, and a shortlist of a category 1.4 KB, not all of its look.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ram.models.image_encoder import ImageFeatures

POOLED, PATCHES, CLASSES = "pooled.looks", "patches.looks", "classes.looks"
CODES, CLASS_CODES = 127, 255
"""Steps of a token's channel on each side of zero; steps of the square root of a class's probability."""


@dataclass(frozen=True)
class LookShape:
    """Size of the features of one photo.

    Args:
        patches: tokens beside the pooled one.
        dim: their width.
        classes: of the classifier; 0 without one.
    """

    patches: int
    dim: int
    classes: int

    @classmethod
    def of(cls, features: ImageFeatures) -> LookShape:
        """The shape of a batch of features."""
        classes = features.class_probabilities
        return cls(features.tokens.shape[1] - 1, features.tokens.shape[2], 0 if classes is None else classes.shape[1])

    @property
    def files(self) -> dict[str, np.dtype[Any]]:
        """Type of a row in each file."""
        rows = {
            POOLED: np.dtype([("tokens", np.int8, (1, self.dim)), ("scales", np.float32, (1,))]),
            PATCHES: np.dtype([("tokens", np.int8, (self.patches, self.dim)), ("scales", np.float32, (self.patches,))]),
        }
        return rows | {CLASSES: np.dtype((np.uint8, (self.classes,)))} if self.classes else rows

    @property
    def nbytes(self) -> int:
        """Size of a look on disk."""
        return sum(row.itemsize for row in self.files.values())


class LookStore:
    """Rows of looks in a folder.

    Args:
        folder: that exists.
        shape: of every look.
    """

    def __init__(self, folder: Path, shape: LookShape) -> None:
        self._folder = folder
        self.shape = shape

    def write(self, start: int, features: ImageFeatures) -> None:
        """Write a batch of looks in rows from ``start``; what stands there and behind, which a stop left, goes.

        Raises:
            OSError: the disk is full, for instance; the rows before ``start`` are whole.
        """
        pooled, patches = (np.zeros(len(features.tokens), self.shape.files[name]) for name in (POOLED, PATCHES))
        contents = {POOLED: pooled, PATCHES: patches}
        tokens, scales = quantized(features.tokens)
        pooled["tokens"], patches["tokens"] = np.split(tokens, [1], axis=1)
        pooled["scales"], patches["scales"] = np.split(scales, [1], axis=1)
        if features.class_probabilities is not None:
            contents[CLASSES] = quantized_classes(features.class_probabilities)
        for name, row in self.shape.files.items():
            path = self._folder / name
            try:
                with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b") as file:
                    file.truncate(start * row.itemsize)
                    file.seek(0, os.SEEK_END)
                    file.write(contents[name].tobytes())
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(path)) from None

    def pooled(self, rows: NDArray[np.int_]) -> torch.Tensor:
        """(rows, dim) pooled tokens in float32, each at a scale of its own; for thousands of rows at a time."""
        return torch.from_numpy(self._map(POOLED)["tokens"][rows, 0]).float()

    def features(self, rows: Sequence[int] | NDArray[np.int_], patches: bool = True) -> ImageFeatures:
        """The looks of some rows, float32.

        Args:
            rows: in any order.
            patches: read all tokens, not only the pooled one.
        """
        index = np.asarray(rows, dtype=np.int64)
        pooled = self._map(POOLED)[index]
        tokens = restored(pooled["tokens"], pooled["scales"])
        if patches:
            others = self._map(PATCHES)[index]
            tokens = torch.cat([tokens, restored(others["tokens"], others["scales"])], dim=1)
        classes = None
        if self.shape.classes:
            classes = restored_classes(self._map(CLASSES)[index])
        return ImageFeatures(tokens, class_probabilities=classes)

    def _map(self, name: str) -> NDArray[Any]:
        row, path = self.shape.files[name], self._folder / name
        count = path.stat().st_size // row.itemsize if path.exists() else 0
        if not count:
            return np.zeros(0, row)
        kind, shape = row.subdtype or (row, ())
        return np.memmap(path, kind, "r", shape=(count, *shape))


def quantized(tokens: torch.Tensor) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """(batch, tokens, dim) to int8 codes of the same shape, and (batch, tokens) scales: each token's largest is 127."""
    values = tokens.float().cpu()
    scales = values.abs().amax(dim=-1).clamp(min=1e-12) / CODES
    return (values / scales[..., None]).round().to(torch.int8).numpy(), scales.numpy()


def restored(codes: NDArray[np.int8], scales: NDArray[np.float32]) -> torch.Tensor:
    """(batch, tokens, dim) float32 of :func:`quantized`."""
    return torch.from_numpy(np.ascontiguousarray(codes)).float().mul_(torch.from_numpy(scales.copy())[..., None])


def quantized_classes(probabilities: torch.Tensor) -> NDArray[np.uint8]:
    """Probabilities of classes to codes of the same shape, in equal steps of the square root."""
    return (probabilities.float().clamp(0, 1).sqrt() * CLASS_CODES).round().to(torch.uint8).cpu().numpy()


def restored_classes(codes: NDArray[np.uint8]) -> torch.Tensor:
    """Float32 probabilities of :func:`quantized_classes`."""
    return torch.from_numpy(codes).float().div_(CLASS_CODES).square_()
