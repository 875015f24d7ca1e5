"""Features of photos for as long as there is room: what was used longest ago makes way, whosever album it is of."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict

from ram.models.image_encoder import ImageFeatures

MOST_BYTES = 512_000_000
"""Of all albums together: those of 17,000 photos for the shipped models, of 1,700 for the published large ones."""


class Kept:
    """The features of one photo, or None once they had to make way."""

    def __init__(self, features: ImageFeatures) -> None:
        self.features: ImageFeatures | None = features
        self.bytes = sum(part.nbytes for part in (features.tokens, features.classes) if part is not None)


class FeatureShelf:
    """Knows what is kept without owning it: an album that nobody holds any more takes its features along.

    Args:
        most_bytes: what all that is kept may take together.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes
        self.bytes = 0
        self._kept: OrderedDict[int, weakref.ref[Kept]] = OrderedDict()
        self._lock = threading.RLock()  # what is forgotten may be noticed in the middle of anything else

    def keep(self, features: ImageFeatures) -> Kept:
        """Put features there; others make way for them, or they for themselves where they are larger than the shelf."""
        kept = Kept(features)
        with self._lock:
            self._kept[id(kept)] = weakref.ref(kept)
            self.bytes += kept.bytes
            weakref.finalize(kept, self._forget, id(kept), kept.bytes).atexit = False
            while self.bytes > self.most_bytes:
                key, known = next(iter(self._kept.items()))
                if (oldest := known()) is not None:
                    oldest.features = None
                    self._forget(key, oldest.bytes)
        return kept

    def take(self, kept: Kept) -> ImageFeatures | None:
        """What is kept there, which makes it the one used last."""
        with self._lock:
            if id(kept) in self._kept:
                self._kept.move_to_end(id(kept))
            return kept.features

    def _forget(self, key: int, size: int) -> None:
        with self._lock:
            if self._kept.pop(key, None) is not None:
                self.bytes -= size
