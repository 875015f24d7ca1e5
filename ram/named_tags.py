"""Evidence of the predefined tags that a sentence names, beside the decoder's logit for the sentence as a whole.

These are the visible indicators of alignment of Tag2Text, section 4.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

WEIGHT, MOST = 0.2, 6.0
"""What a tag's logit over its threshold is worth, and how much of it counts; chosen on captions of Flickr8k dev."""


def tag_evidence(logits: torch.Tensor, thresholds: Sequence[float]) -> torch.Tensor:
    """What each named tag adds to the score of a sentence: more than 0 where it is over its threshold.

    Args:
        logits: (images, tags).
        thresholds: of the tags, as probabilities.
    """
    cut = torch.logit(torch.tensor(thresholds, device=logits.device), eps=1e-6)
    return WEIGHT * (logits - cut).clamp(-MOST, MOST)
