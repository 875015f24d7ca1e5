"""Regions of a tag in an image: the protocol of detectors, and one made of the tagger's own maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ram.regions.finding import around_peak
from ram.regions.region import Box
from ram.tagger import Tagger


class Detector(Protocol):
    """Finds where an image shows tags."""

    name: str

    def regions(self, picture: Image.Image, tags: Sequence[str]) -> list[tuple[Box, ...]]:
        """Return the regions of each tag in an RGB image; none where it is not found."""
        ...


class AttentionDetector:
    """Regions from the tagger's own attention, without another network.

    The region is the bounding box of the patches around the brightest one that are at least a part as bright. It shows
    where the decoder read from, which is a weaker hint than a detector's box (docs/experiments/heat-maps.md).

    Args:
        tagger: whose vocabulary holds the tags.
        part: of the brightest patch's attention, 0..1.
        margin: added on each side, in patches.
    """

    name = "attention"

    def __init__(self, tagger: Tagger, part: float = 0.5, margin: float = 1.0) -> None:
        self._tagger, self._part, self._margin = tagger, part, margin

    def regions(self, picture: Image.Image, tags: Sequence[str]) -> list[tuple[Box, ...]]:
        """Return one region of each tag."""
        maps = self._tagger.attention(self._tagger.look(picture), self._tagger.bank.select(list(tags)))
        return [(self._box(each),) for each in maps]

    def _box(self, brightness: NDArray[np.floating]) -> Box:
        left, top, right, bottom = around_peak(brightness, self._part * brightness.max())
        (height, width), margin = brightness.shape, self._margin
        return Box(
            max(0.0, (left - margin) / width),
            max(0.0, (top - margin) / height),
            min(1.0, (right + margin) / width),
            min(1.0, (bottom + margin) / height),
        )


def load_detector(name: str, tagger: Tagger) -> Detector:
    """The detector of a name: "attention" of the tagger, or the folder or hub name of a Grounding-DINO.

    Raises:
        DownloadError: the weights are neither here nor can be fetched.
    """
    if name == AttentionDetector.name:
        return AttentionDetector(tagger)
    from ram.training.data_engine.grounding_dino import load_grounding_dino

    return load_grounding_dino(name, tagger.device)
