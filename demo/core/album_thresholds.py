"""The thresholds of an album: the model's own, one for all or calibrated by thumbs, and those of single tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from demo.core.album import Album, Thumbs
from ram.errors import InputError
from ram.evaluation.calibration import calibrate_by_thumbs
from ram.text.vocabulary import TagVocabulary


@dataclass(frozen=True)
class Thresholds:
    """How sure a model must be.

    Args:
        shared: one threshold for all tags, or None for each tag's own.
        calibrated: thresholds that thumbs have moved, by tag; they take the place of the model's own.
        single: thresholds set by hand, by tag; they come before all others.
    """

    shared: float | None = None
    calibrated: Mapping[str, float] = field(default_factory=dict)
    single: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for value in (self.shared or 0.0, *self.calibrated.values(), *self.single.values()):
            if not 0 <= value <= 1:
                raise InputError(f"{value} is no threshold: give a number between 0 and 1")

    def over(self, own: TagVocabulary) -> TagVocabulary:
        """The model's vocabulary with these thresholds."""
        before = own.thresholds if self.shared is None else (self.shared,) * len(own)
        moved = {**(self.calibrated if self.shared is None else {}), **self.single}
        after = tuple(moved.get(tag, value) for tag, value in zip(own.tags, before, strict=True))
        return replace(own, thresholds=after)

    def with_single(self, tag: str, value: float | None) -> Thresholds:
        """The same with a threshold of its own for one tag, or without."""
        single = {name: held for name, held in self.single.items() if name != tag}
        return replace(self, single=single if value is None else {**single, tag: float(value)})


def calibrated(album: Album, thumbs: Thumbs) -> dict[str, float]:
    """The thresholds that thumbs move away from the model's own, by tag.

    Raises:
        InputError: there is no thumb on a photo of this album.
    """
    own = album.vocabulary
    judged = np.zeros((len(album.photos), len(own)), np.int8)
    for (photo, tag), right in thumbs.items():
        if 0 <= photo < len(album.photos) and tag in own:
            judged[photo, own.id(tag)] = 1 if right else -1
    if not judged.any():
        raise InputError("no thumb was given yet: say of some tags whether they are right")
    chosen = calibrate_by_thumbs(album.probabilities(), judged, own.thresholds)
    return {tag: float(new) for tag, new, old in zip(own.tags, chosen, own.thresholds, strict=True) if new != old}
