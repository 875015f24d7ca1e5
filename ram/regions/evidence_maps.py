"""Where an image shows a tag: the decoder's logit of windows over the backbone's patches, and without them.

Windows slide over the backbone's own patches, 9 x 9 for the small models, whatever tokens their decoder gets of them.
Each window is scored twice: as if it were the whole image, and as what the logit loses without it. The image encoder's
expensive part runs once.
"""

from __future__ import annotations

import numpy as np
import torch

from ram.models.image_encoder import patch_tokens
from ram.regions.windows import RESOLUTION, Windows, side_of
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank

SHARE = 3
"""A window is a third of the patches high and wide."""
CENTER_WEIGHT, CENTER_WIDTH = 0.9, 0.3
"""A map whose standard deviation is 1 gets a Gaussian of this weight and width, a fraction of the image's side, added
at its centre: photographers put their subject there."""
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
        (tags, rows, columns) of :data:`ram.regions.windows.RESOLUTION`, of mean 0 over an image; the higher, the more
        evidence.

    Raises:
        InputError: the bank is of another text encoder, or the model's patches have no position or are too few.
    """
    pixels = pixels.to(tagger.device, tagger.dtype)
    return evidence_of_patches(tagger, patch_tokens(tagger.model.image_encoder.backbone, pixels), bank)


@torch.inference_mode()
def evidence_of_patches(tagger: Tagger, patches: torch.Tensor, bank: TagEmbeddingBank) -> np.ndarray:
    """Compute the maps of :func:`evidence_maps` from (1, patches, channels) of the backbone, which is not run again."""
    patches = patches.to(tagger.device, tagger.dtype)
    side = side_of(patches.shape[1], tagger.name)
    windows = Windows(side, max(round(side / SHARE), 1))
    inside = windows.masks().to(tagger.device)
    alone = _logits(tagger, patches, inside, bank)
    missing = _logits(tagger, patches, ~inside, bank)
    maps = _standardized(windows.spread(alone)) - _standardized(windows.spread(missing))
    return maps + CENTER_WEIGHT * _center()


def _logits(tagger: Tagger, patches: torch.Tensor, chosen: torch.Tensor, bank: TagEmbeddingBank) -> np.ndarray:
    """(tags, windows) decoder's logits of some of the patches, as many in each window."""
    encoder, parts = tagger.model.image_encoder, []
    for some in chosen.split(_AT_ONCE):
        kept = patches[0].expand(len(some), -1, -1)[some].unflatten(0, (len(some), -1))
        terms = tagger.score_batch(encoder.embed(kept), bank).terms
        parts.append(next(iter(terms.values())).float().cpu())  # the decoder's comes first
    return torch.cat(parts).T.numpy()


def _standardized(maps: np.ndarray) -> np.ndarray:
    """(tags, rows, columns) of mean 0 and deviation 1 each."""
    centered = maps - maps.mean(axis=(1, 2), keepdims=True)
    return centered / (maps.std(axis=(1, 2), keepdims=True) + 1e-6)


def _center() -> np.ndarray:
    """(rows, columns) squared distance from the centre, as the logarithm of a Gaussian, of mean 0."""
    across = ((np.arange(RESOLUTION) + 0.5) / RESOLUTION - 0.5) ** 2
    distance = -(across[:, None] + across) / (2 * CENTER_WIDTH**2)
    return distance - distance.mean()
