"""Where an image shows a tag: the decoder's logit of windows over the backbone's patches, and without them.

The small models average their patches to a grid of 4 x 4 before the decoder, which is too coarse to point with. Here
windows slide over the backbone's own patches, 9 x 9 of them. Each window is scored twice: as if it were the whole
image, and as what the logit loses without it. The image encoder's expensive part runs once.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from ram.errors import InputError
from ram.models.image_encoder import patch_grid, patch_tokens
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank

SHARE = 3
"""A window is a third of the patches high and wide."""
CENTER_WEIGHT, CENTER_WIDTH = 0.9, 0.3
"""Of a Gaussian at the centre, in standard deviations of a map: photographers put their subject there."""
RESOLUTION = 36
"""Rows and columns of a map."""
_AT_ONCE = 64
"""Windows that the decoder scores together."""


@torch.inference_mode()
def evidence_maps(tagger: Tagger, pixels: torch.Tensor, bank: TagEmbeddingBank) -> np.ndarray:
    """Evidence for each tag over an image.

    Constants were chosen on half of the photos of the pointing game (docs/experiments/heat-maps.md).

    Args:
        tagger: of a model with queries from texts or learned queries, and patches with a position.
        pixels: (1, 3, size, size) that the tagger's transform made.
        bank: the tags.

    Returns:
        (tags, rows, columns) of :data:`RESOLUTION`, of mean 0 over an image; the higher, the more evidence.

    Raises:
        InputError: the bank is of another text encoder, or the model's patches have no position or are too few.
    """
    encoder = tagger.model.image_encoder
    patches = patch_tokens(encoder.backbone, pixels.to(tagger.device, tagger.dtype))
    try:
        side, _ = patch_grid(patches.shape[1])
    except ValueError as error:
        raise InputError(f"no regions: {error}") from None
    if side < 2:
        raise InputError(f"{tagger.name} sees an image in one piece, so it cannot tell where a tag is")
    width = max(round(side / SHARE), 1)
    inside = _windows(side, width).to(tagger.device)
    alone = _logits(tagger, patches, inside, bank)
    missing = _logits(tagger, patches, ~inside, bank)
    maps = _resampled(alone, side, width) - _resampled(missing, side, width)
    return maps + CENTER_WEIGHT * _center()


def _windows(side: int, width: int) -> torch.Tensor:
    """(windows, side * side) which patches each window has, row by row."""
    steps = range(side - width + 1)
    windows = torch.zeros(len(steps) ** 2, side, side, dtype=torch.bool)
    for index, (top, left) in enumerate((top, left) for top in steps for left in steps):
        windows[index, top : top + width, left : left + width] = True
    return windows.flatten(1)


def _logits(tagger: Tagger, patches: torch.Tensor, chosen: torch.Tensor, bank: TagEmbeddingBank) -> np.ndarray:
    """(tags, windows) decoder's logits of some of the patches, as many in each window."""
    encoder, parts = tagger.model.image_encoder, []
    for some in chosen.split(_AT_ONCE):
        kept = patches[0].expand(len(some), -1, -1)[some].unflatten(0, (len(some), -1))
        terms = tagger.score_batch(encoder.embed(kept), bank).terms
        parts.append(next(iter(terms.values())).float().cpu())  # the decoder's comes first
    return torch.cat(parts).T.numpy()


def _resampled(logits: np.ndarray, side: int, width: int) -> np.ndarray:
    """(tags, windows) to maps of mean 0 and deviation 1, with each window's value at its middle."""
    count = side - width + 1
    grid = torch.from_numpy(logits).reshape(len(logits), 1, count, count)
    margin = round(RESOLUTION * (width - 1) / side / 2)
    inner = RESOLUTION - 2 * margin
    grid = nn.functional.interpolate(grid, (inner, inner), mode="bilinear", align_corners=False)
    maps = nn.functional.pad(grid, (margin,) * 4, mode="replicate")[:, 0].numpy()
    centered = maps - maps.mean(axis=(1, 2), keepdims=True)
    return centered / (maps.std(axis=(1, 2), keepdims=True) + 1e-6)


def _center() -> np.ndarray:
    """(rows, columns) squared distance from the centre, as the logarithm of a Gaussian, of mean 0."""
    across = ((np.arange(RESOLUTION) + 0.5) / RESOLUTION - 0.5) ** 2
    distance = -(across[:, None] + across) / (2 * CENTER_WIDTH**2)
    return distance - distance.mean()
