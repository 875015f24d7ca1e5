"""Looks of photos on disk: int8 tokens with a scale each, one row a photo.

Plain files that are memory-mapped. Pooled tokens have a file of their own, so that a shortlist reads 388 bytes a photo
and not all of its look.
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
        patches = [("tokens", np.int8, (self.patches, self.dim)), ("scales", np.float32, (self.patches,))]
        classes = [("classes", np.uint8, (self.classes,))] if self.classes else []
        pooled = [("tokens", np.int8, (1, self.dim)), ("scales", np.float32, (1,))]
        return {"pooled.looks": np.dtype(pooled), "patches.looks": np.dtype([*patches, *classes])}

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
        pooled, patches = (np.zeros(len(features.tokens), row) for row in self.shape.files.values())
        tokens, scales = quantized(features.tokens)
        pooled["tokens"], patches["tokens"] = np.split(tokens, [1], axis=1)
        pooled["scales"], patches["scales"] = np.split(scales, [1], axis=1)
        if features.class_probabilities is not None:
            probabilities = features.class_probabilities.float().clamp(0, 1).sqrt() * CLASS_CODES
            patches["classes"] = probabilities.round().to(torch.uint8).cpu().numpy()
        for (name, row), rows in zip(self.shape.files.items(), (pooled, patches), strict=True):
            path = self._folder / name
            try:
                with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b") as file:
                    file.truncate(start * row.itemsize)
                    file.seek(0, os.SEEK_END)
                    file.write(rows.tobytes())
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(path)) from None

    def pooled(self, rows: NDArray[np.int_]) -> torch.Tensor:
        """(rows, dim) unit pooled tokens."""
        codes = self._map("pooled.looks")["tokens"][:, 0]
        return torch.nn.functional.normalize(torch.from_numpy(codes[rows].astype(np.float32)), dim=-1)

    def features(self, rows: Sequence[int] | NDArray[np.int_], patches: bool = True) -> ImageFeatures:
        """The looks of some rows, float32.

        Args:
            rows: in any order.
            patches: read all tokens, not only the pooled one.
        """
        index = np.asarray(rows, dtype=np.int64)
        pooled, others = self._map("pooled.looks")[index], self._map("patches.looks")
        tokens, scales = pooled["tokens"], pooled["scales"]
        if patches:
            tokens = np.concatenate([tokens, others["tokens"][index]], axis=1)
            scales = np.concatenate([scales, others["scales"][index]], axis=1)
        classes = None
        if self.shape.classes:
            classes = torch.from_numpy(others["classes"][index]).float().div_(CLASS_CODES).square_()
        return ImageFeatures(restored(tokens, scales), class_probabilities=classes)

    def _map(self, name: str) -> NDArray[Any]:
        row, path = self.shape.files[name], self._folder / name
        count = path.stat().st_size // row.itemsize if path.exists() else 0
        return np.memmap(path, row, "r", shape=(count,)) if count else np.zeros(0, row)


def quantized(tokens: torch.Tensor) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """(batch, tokens, dim) to int8 codes of the same shape, and (batch, tokens) scales: each token's largest is 127."""
    values = tokens.float().cpu()
    scales = values.abs().amax(dim=-1).clamp(min=1e-12) / CODES
    return (values / scales[..., None]).round().to(torch.int8).numpy(), scales.numpy()


def restored(codes: NDArray[np.int8], scales: NDArray[np.float32]) -> torch.Tensor:
    """(batch, tokens, dim) float32 of :func:`quantized`."""
    return torch.from_numpy(np.ascontiguousarray(codes)).float() * torch.from_numpy(scales.copy())[..., None]
