"""Faster twins of plain parts: the same numbers with less work, swapped in by :func:`accelerate`.

Training uses the plain parts. Each twin has a test of equality with its plain part:

    absorbed_attention   ram.models.decoder.CrossAttention, for many queries over few tokens
    blockwise            ram.models.reweighting.DescriptionReweighting, for a bank larger than a CPU's cache
    centered_scores      ram.models.lite.centered_reweighting, without an embedding that is centred
    folded_norms         the batch norms of timm's EfficientNets, folded into their convolutions
    tiled_swin           timm's Swin blocks, a part at a time
    prefix_tree          open_clip's text tower over sentences that begin alike (used by the text encoder)
    compiling            the image encoder, compiled for this machine (on request)
"""

from __future__ import annotations

from ram.models.fast.absorbed_attention import absorb_projections
from ram.models.fast.blockwise import reweight_in_blocks
from ram.models.fast.centered_scores import center_similarities
from ram.models.fast.folded_norms import fold_norms
from ram.models.fast.tiled_swin import compute_in_parts
from ram.models.ram import TaggingModel


def accelerate(model: TaggingModel) -> None:
    """Swap in the fast twins, in place; the model has to be the caller's own, for evaluation.

    Parameters, buffers and results stay as they are.
    """
    compute_in_parts(model.image_encoder.backbone)
    fold_norms(model.image_encoder.backbone)
    reweight_in_blocks(model.reweighting)
    center_similarities(model.reweighting)
    absorb_projections(model.decoder)
