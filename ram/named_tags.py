"""Evidence of the predefined tags that a sentence names, beside the decoder's logit for the sentence as a whole.

These are the visible indicators of alignment of Tag2Text, section 4.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

WEIGHT = 0.2
"""Factor of the logits of named tags; chosen on captions of Flickr8k dev, as is :data:`MOST`."""
MOST = 6.0
"""Logits further from their threshold count as this far from it."""


def tag_evidence(logits: torch.Tensor, thresholds: Sequence[float]) -> torch.Tensor:
    """Compute a term for the score of a sentence from each tag that it names: positive over the tag's threshold.

    Args:
        logits: (images, tags).
        thresholds: of the tags, as probabilities.

    Returns:
        (images, tags).
    """
    cut = torch.logit(torch.tensor(thresholds, device=logits.device), eps=1e-6)
    return WEIGHT * (logits - cut).clamp(-MOST, MOST)
