"""Looks of photos on disk: int8 tokens with a scale each, one row a photo of at most 25 kB.

Plain files that are memory-mapped. Pooled tokens and class probabilities have files of their own, so that a search
reads 388 bytes a photo, and a shortlist of a category 1.4 KB, not all of its look.

Patches that would take more than 25 kB are kept as a product of two thin int8 matrices, their truncated singular value
decomposition: patches of one photo look alike. For the 144 patches of 512 channels of Swin-L the rank is 37.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ram.models.image_encoder import ImageFeatures

POOLED, PATCHES, CLASSES = "pooled.looks", "patches.looks", "classes.looks"
CODES, CLASS_CODES = 127, 255
"""Steps of a token's channel on each side of zero; steps of the square root of a class's probability."""
MOST_BYTES = 25_000
"""Size of a look from which its patches are kept as a product."""


@dataclass(frozen=True)
class LookShape:
    """Size of the features of one photo.

    Args:
        patches: tokens beside the pooled one.
        dim: their width.
        classes: of the classifier; 0 without one.
        rank: of the product that the patches are kept as; 0 where they are kept whole.
    """

    patches: int
    dim: int
    classes: int
    rank: int = 0

    @classmethod
    def of(cls, features: ImageFeatures) -> LookShape:
        """The shape of a batch of features, with the highest rank of at most :data:`MOST_BYTES` if any is needed."""
        classes = features.class_probabilities
        tokens, dim = features.tokens.shape[1:]
        whole = cls(tokens - 1, dim, 0 if classes is None else classes.shape[1])
        if whole.nbytes <= MOST_BYTES:
            return whole
        left = MOST_BYTES - (whole.nbytes - whole.files[PATCHES].itemsize)
        rank = left // replace(whole, rank=1).files[PATCHES].itemsize
        return replace(whole, rank=min(max(rank, 1), whole.patches, dim))

    @property
    def files(self) -> dict[str, np.dtype[Any]]:
        """Type of a row in each file."""
        rows = {POOLED: _tokens(1, self.dim), PATCHES: _tokens(self.patches, self.dim)}
        if self.rank:
            left, right = (np.int8, (self.rank, self.patches)), (np.int8, (self.rank, self.dim))
            rows[PATCHES] = np.dtype([("left", *left), ("right", *right), ("scales", np.float32, (self.rank,))])
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
        pooled["tokens"], pooled["scales"] = quantized(features.tokens[:, :1])
        others = features.tokens[:, 1:]
        if self.shape.rank:
            patches["left"], patches["right"], patches["scales"] = factored(others, self.shape.rank)
        else:
            patches["tokens"], patches["scales"] = quantized(others)
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
            if self.shape.rank:
                whole = multiplied(others["left"], others["right"], others["scales"])
            else:
                whole = restored(others["tokens"], others["scales"])
            tokens = torch.cat([tokens, whole], dim=1)
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


def _tokens(count: int, dim: int) -> np.dtype[Any]:
    return np.dtype([("tokens", np.int8, (count, dim)), ("scales", np.float32, (count,))])


def quantized(tokens: torch.Tensor) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """(batch, tokens, dim) to int8 codes of the same shape, and (batch, tokens) scales: each token's largest is 127."""
    values = tokens.float().cpu()
    scales = values.abs().amax(dim=-1).clamp(min=1e-12) / CODES
    return (values / scales[..., None]).round().to(torch.int8).numpy(), scales.numpy()


def restored(codes: NDArray[np.int8], scales: NDArray[np.float32]) -> torch.Tensor:
    """(batch, tokens, dim) float32 of :func:`quantized`."""
    return torch.from_numpy(np.ascontiguousarray(codes)).float().mul_(torch.from_numpy(scales.copy())[..., None])


def factored(
    tokens: torch.Tensor, rank: int
) -> tuple[NDArray[np.int8], NDArray[np.int8], NDArray[np.float32]]:
    """Approximate tokens by a product of two matrices, the best of its rank but for the rounding.

    Args:
        tokens: (batch, tokens, dim), finite.
        rank: at most the number of tokens, and at most dim.

    Returns:
        Codes (batch, rank, tokens) and (batch, rank, dim), whose outer products are added up, and their scales
        (batch, rank).
    """
    left, values, right = torch.linalg.svd(tokens.float().cpu(), full_matrices=False)
    left_codes, left_scales = quantized(left[..., :rank].mT)
    right_codes, right_scales = quantized((values[..., None] * right)[:, :rank])
    return left_codes, right_codes, left_scales * right_scales


def multiplied(left: NDArray[np.int8], right: NDArray[np.int8], scales: NDArray[np.float32]) -> torch.Tensor:
    """(batch, tokens, dim) float32 of :func:`factored`."""
    return torch.from_numpy(np.ascontiguousarray(left)).float().mT @ restored(right, scales)


def quantized_classes(probabilities: torch.Tensor) -> NDArray[np.uint8]:
    """Probabilities of classes to codes of the same shape, in equal steps of the square root."""
    return (probabilities.float().clamp(0, 1).sqrt() * CLASS_CODES).round().to(torch.uint8).cpu().numpy()


def restored_classes(codes: NDArray[np.uint8]) -> torch.Tensor:
    """Float32 probabilities of :func:`quantized_classes`."""
    return torch.from_numpy(codes).float().div_(CLASS_CODES).square_()
