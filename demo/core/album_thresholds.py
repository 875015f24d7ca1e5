"""Thresholds of an album: the model's own or a shared one, changed by thumbs or for single tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from demo.core.album import Album, Thumbs
from demo.core.texts import input_error
from ram.errors import InputError
from ram.evaluation.calibration import calibrate_by_thumbs
from ram.text.vocabulary import TagVocabulary


@dataclass(frozen=True)
class Thresholds:
    """Thresholds that a visitor has chosen.

    Args:
        shared: one threshold for all tags, or None for each tag's own.
        calibrated: by tag, thresholds changed by thumbs; they replace the model's own.
        single: by tag, thresholds set by hand; they override all others.

    Raises:
        InputError: a threshold outside 0..1.
    """

    shared: float | None = None
    calibrated: Mapping[str, float] = field(default_factory=dict)
    single: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for value in (self.shared or 0.0, *self.calibrated.values(), *self.single.values()):
            if not 0 <= value <= 1:
                raise InputError(f"{value} is not a threshold: give a number between 0 and 1")

    def apply(self, own: TagVocabulary) -> TagVocabulary:
        """The model's vocabulary with these thresholds."""
        before = own.thresholds if self.shared is None else (self.shared,) * len(own)
        changed = {**(self.calibrated if self.shared is None else {}), **self.single}
        after = tuple(changed.get(tag, value) for tag, value in zip(own.tags, before, strict=True))
        return replace(own, thresholds=after)

    def with_single(self, tag: str, value: float | None) -> Thresholds:
        """Set the threshold of one tag, or remove it where the value is None."""
        single = {name: other for name, other in self.single.items() if name != tag}
        return replace(self, single=single if value is None else {**single, tag: float(value)})


def calibrated(album: Album, thumbs: Thumbs) -> dict[str, float]:
    """Thresholds that the thumbs change, by tag.

    Raises:
        InputError: there is no thumb on a photo of this album.
    """
    own = album.vocabulary
    judged = np.zeros((len(album.photos), len(own)), np.int8)
    for (photo, tag), right in thumbs.items():
        if 0 <= photo < len(album.photos) and tag in own:
            judged[photo, own.id(tag)] = 1 if right else -1
    if not judged.any():
        raise input_error("no_thumbs_yet")
    chosen = calibrate_by_thumbs(album.probabilities(), judged, own.thresholds)
    return {tag: float(new) for tag, new, old in zip(own.tags, chosen, own.thresholds, strict=True) if new != old}
