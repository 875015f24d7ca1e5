"""Occlusion maps: what a tag's logit loses without each part of an image (Zeiler and Fergus 2014, section 4.2).

The image is scored as the tagger scores it, all terms of the logit included, only without the patches of a window. They
are left out of the backbone's own patches, before a small model averages those to its grid: a cell of the grid is then
the mean of the patches that are left, and a cell without any is left out too. The image encoder's expensive part runs
once for all windows and tags.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image

from ram.models.image_encoder import ImageEncoder, ImageFeatures, patch_tokens
from ram.models.lite.class_words import ClassWords
from ram.models.lite.image_encoder import LiteImageEncoder
from ram.regions.windows import Windows, side_of
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank

SHARES = (2 / 9, 3 / 9, 4 / 9)
"""Width and height of windows, of those of the image; chosen on half of the photos of docs/experiments/heat-maps.md."""
_AT_ONCE = 64
"""Windows that are scored together at most."""


@dataclass(frozen=True, eq=False)
class OcclusionMap:
    """Where an image's evidence for a tag is.

    Args:
        effects: (rows, columns) what the logit loses without the window around each point, in the mean over windows of
            several sizes; negative where these speak against the tag.
        greatest: what it loses without the window that it loses most without.
    """

    effects: np.ndarray = field(repr=False)
    greatest: float


@torch.inference_mode()
def look_at_patches(tagger: Tagger, image: Image.Image) -> torch.Tensor:
    """Run the backbone on an RGB image: (1, patches, channels) of its own patches, for any number of tags."""
    pixels = tagger.transform(image)[None].to(tagger.device, tagger.dtype)
    return patch_tokens(tagger.model.image_encoder.backbone, pixels)


def occlusion_maps(tagger: Tagger, patches: torch.Tensor, bank: TagEmbeddingBank) -> list[OcclusionMap]:
    """A map for each tag.

    Args:
        tagger: any whose patches have a position.
        patches: (1, patches, channels) of :func:`look_at_patches`.
        bank: the tags.

    Raises:
        InputError: the bank is of another text encoder, or the model's patches have no position or are too few.
    """
    sizes = window_sizes(side_of(patches.shape[1], tagger.name))
    losses = [occlusion_losses(tagger, patches, bank, windows) for windows in sizes]
    effects = np.mean([windows.spread(each) for windows, each in zip(sizes, losses, strict=True)], axis=0)
    greatest = np.max([each.max(axis=1) for each in losses], axis=0)
    return [OcclusionMap(one, float(most)) for one, most in zip(effects, greatest, strict=True)]


def window_sizes(side: int) -> Sequence[Windows]:
    """Windows of each size over so many patches in a row."""
    return [Windows(side, width) for width in dict.fromkeys(max(round(side * share), 1) for share in SHARES)]


@torch.inference_mode()
def occlusion_losses(tagger: Tagger, patches: torch.Tensor, bank: TagEmbeddingBank, windows: Windows) -> np.ndarray:
    """(tags, windows) the tagger's logit of an image minus that without each window."""
    patches = patches[0].to(tagger.device, tagger.dtype)
    encoder = tagger.model.image_encoder
    shares = _shares(encoder, patches)
    whole = _embed_each(encoder, shares @ patches)
    left = (~windows.masks())[:, None].to(shares)
    given = [shares[None], *(shares * some for some in left.split(_AT_ONCE))]
    logits = torch.cat([_logits(tagger, patches, each, whole, shares.sum(dim=1), bank) for each in given])
    return (logits[:1] - logits[1:]).T.cpu().numpy()


def _logits(
    tagger: Tagger,
    patches: torch.Tensor,
    shares: torch.Tensor,
    whole: ImageFeatures,
    total: torch.Tensor,
    bank: TagEmbeddingBank,
) -> torch.Tensor:
    """(windows, tags) logits of cells that are the mean of the patches that are left.

    Args:
        tagger: scores them.
        patches: (patches, channels).
        shares: (windows, cells, patches) of each patch that is left in each cell.
        whole: the cells with all their patches, each as an image of its own; only the others are embedded again.
        total: (cells,) sum of the shares of all patches of a cell.
        bank: the tags.
    """
    encoder, sums = tagger.model.image_encoder, shares.sum(dim=2)
    left = sums > 1e-6
    parted = left & (sums < total - 1e-6)
    cells = shares @ patches / sums[..., None].clamp(min=1e-6)
    tokens = whole.tokens[:, 1].repeat(len(left), 1, 1)
    seen = whole.class_probabilities
    probabilities = None if seen is None else seen.repeat(len(left), 1, 1)
    if parted.any():
        again = _embed_each(encoder, cells[parted])
        tokens[parted] = again.tokens[:, 1]
        if probabilities is not None and again.class_probabilities is not None:
            probabilities[parted] = again.class_probabilities
    count = left.sum(dim=1)
    pooled = _embed_each(encoder, (cells * left[..., None]).sum(dim=1) / count[:, None].clamp(min=1)).tokens[:, :1]
    if probabilities is not None:
        probabilities = ClassWords.over_patches(probabilities, left)
    logits = torch.zeros(len(left), len(bank), device=patches.device)
    for number in count.unique().tolist():  # windows with as many cells left are scored together
        some = count == number
        others = tokens[some][left[some]].unflatten(0, (-1, number))
        found = None if probabilities is None else probabilities[some]
        features = ImageFeatures(torch.cat([pooled[some], others], dim=1), None, found)
        logits[some] = tagger.score_batch(features, bank).logits.float()
    return logits


def _embed_each(encoder: ImageEncoder, cells: torch.Tensor) -> ImageFeatures:
    """(n, channels), each as an image of one patch: an embedded token depends on no other."""
    return encoder.embed(cells[:, None])


def _shares(encoder: ImageEncoder, patches: torch.Tensor) -> torch.Tensor:
    """(cells, patches) each patch's share of the cells that a small model averages them to; one each for the others."""
    each = torch.eye(len(patches)).to(patches)
    return encoder.coarsen(each[None])[0] if isinstance(encoder, LiteImageEncoder) else each
