"""Cache for the features of many photos: the least recently used are removed when it is full."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict

from ram.models.image_encoder import ImageFeatures

MAX_BYTES = 512_000_000
"""For all albums together: 15,000 photos for the shipped models, 1,700 for the published large ones."""


class CachedFeatures:
    """The features of one photo, or None once they were removed."""

    def __init__(self, features: ImageFeatures) -> None:
        self.features: ImageFeatures | None = features
        self.bytes = features.nbytes


class FeatureCache:
    """Limits the memory of features without owning them: those of an album that is dropped are freed with it.

    Args:
        max_bytes: for all features together.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self._entries: OrderedDict[int, tuple[weakref.ref[CachedFeatures], int]] = OrderedDict()
        self._lock = threading.RLock()  # a finalizer may run in the middle of any method

    def add(self, features: ImageFeatures) -> CachedFeatures:
        """Add features; the least recently used ones are removed, or these if they are larger than the cache."""
        cached = CachedFeatures(features)
        with self._lock:
            self._entries[id(cached)] = weakref.ref(cached), cached.bytes
            self.bytes += cached.bytes
            weakref.finalize(cached, self._forget, id(cached), cached.bytes).atexit = False
            while self.bytes > self.max_bytes:
                key, (entry, size) = next(iter(self._entries.items()))
                if (oldest := entry()) is not None:  # else its finalizer, in another thread, waits for the lock
                    oldest.features = None
                self._forget(key, size)
        return cached

    def get(self, cached: CachedFeatures) -> ImageFeatures | None:
        """The features, now the most recently used, or None if they were removed."""
        with self._lock:
            if id(cached) in self._entries:
                self._entries.move_to_end(id(cached))
            return cached.features

    def _forget(self, key: int, size: int) -> None:
        with self._lock:
            if self._entries.pop(key, None) is not None:
                self.bytes -= size
