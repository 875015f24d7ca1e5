"""Why a tag was scored as it was: where the decoder looked, and what each description did to the probability."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ram.prediction import TagScore


@dataclass(frozen=True, eq=False)
class Explanation:
    """One tag of one picture, explained.

    Args:
        score: the tag's own score.
        weights: (descriptions,) of the re-weighting, in the bank's order; they sum to 1.
        without: (descriptions,) the probability with each description left out, in the same order; empty where there
            is only one.
        attention: (rows, columns) what the tag's query paid to each patch of the whole picture in the decoder's last
            layer, the mean of the heads. Where an image says "this spot", that is where information was read from, not
            a proof that the tag's object is there.
        pooled: what it paid to the token of the picture as a whole; together with ``attention`` 1.
    """

    score: TagScore
    weights: np.ndarray = field(repr=False)
    without: np.ndarray = field(repr=False)
    attention: np.ndarray = field(repr=False)
    pooled: float

    def __post_init__(self) -> None:
        if len(self.without) not in (0, len(self.weights)):
            raise ValueError(f"{len(self.without)} probabilities do not fit {len(self.weights)} descriptions")
        if self.attention.ndim != 2:
            raise ValueError(f"attention is (rows, columns), not {self.attention.shape}")
