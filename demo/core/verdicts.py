"""Say in a word how sure a model is of a tag: its probability against the tag's own threshold.

Probability and threshold are compared as odds, p / (1 - p), because thresholds differ from tag to tag: 0.97 is little
over a threshold of 0.94 and far over one of 0.35.
"""

from __future__ import annotations

import math
from typing import Literal

from ram.prediction import TagScore, logit

Verdict = Literal["sure", "likely", "perhaps", "unlikely"]
FACTOR = 4.0
"""Odds over the threshold's by this factor are "sure", and under it by at most this factor "perhaps"."""
GREATEST_MARGIN = 20.0
"""Bound of the margin, in logits; a threshold of 1, which no probability exceeds, has the lowest."""


def margin(score: TagScore) -> float:
    """Logit of the probability minus that of the threshold: over 0 where the tag is present, else at most 0."""
    value = logit(score.probability) - logit(score.threshold)
    value = 0.0 if math.isnan(value) else max(-GREATEST_MARGIN, min(GREATEST_MARGIN, value))
    return max(value, 1e-4) if score.present else min(value, 0.0)


def verdict(score: TagScore) -> Verdict:
    """ "sure" or "likely" of a tag over its threshold, "perhaps" or "unlikely" of one under it."""
    distance = margin(score)
    if score.present:
        return "sure" if distance >= math.log(FACTOR) else "likely"
    return "perhaps" if distance >= -math.log(FACTOR) else "unlikely"
