"""Answer a repeated photo from memory: the same bytes, looked at by the same models.

What is kept is the photo as the models saw it, never its file; the least recently used go first.
"""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from PIL import Image

from demo.core.photos import Photo, Tagged, look
from ram.backends import Captioner, TaggerBackend
from ram.images.size_limits import UPLOADS

MAX_BYTES = 64_000_000
"""For all photos together: for the shipped models about forty, so that all examples stay."""


@dataclass(frozen=True)
class _Kept:
    """A tagged photo with its preview as a JPEG file."""

    photo: Photo
    preview: bytes = field(repr=False)

    @property
    def bytes(self) -> int:
        """Memory that it takes."""
        assert self.photo.prediction is not None
        features = sum(one.nbytes for one in self.photo.features.values())
        scores = self.photo.prediction.probabilities.nbytes + self.photo.prediction.weights.nbytes
        return features + scores + len(self.photo.jpeg) + len(self.preview)


class PhotoCache:
    """Photos that were tagged lately; thread-safe.

    Args:
        max_bytes: for all of them together.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self._kept: OrderedDict[tuple[str, ...], _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def look(
        self, taggers: Sequence[TaggerBackend], path: str | Path, captioner: Captioner | None = None
    ) -> Iterator[Tagged]:
        """Yield what :func:`demo.core.photos.look` yields; a photo that is kept comes at once, with all features.

        Raises:
            ImageError: the photo cannot be used.
        """
        models = [*dict.fromkeys(one.name for one in (*taggers, captioner) if one is not None)]
        key = _key(models, path)
        with self._lock:
            kept = self._kept.get(key) if key else None
            if kept is not None:
                self._kept.move_to_end(key)
        if kept is not None:
            photo = replace(kept.photo, source=str(path))
            yield Tagged(photo, Image.open(io.BytesIO(kept.preview)).convert("RGB"))
            return
        for tagged in look(taggers, path, captioner):
            complete = len(tagged.photo.features) == len(models)
            if key and complete and not tagged.notices:  # notices may name a visitor's file
                self._keep(key, tagged)
            yield tagged

    def _keep(self, key: tuple[str, ...], tagged: Tagged) -> None:
        preview = io.BytesIO()
        tagged.preview.convert("RGB").save(preview, "JPEG", quality=90)
        kept = _Kept(replace(tagged.photo, source=""), preview.getvalue())
        with self._lock:
            if key in self._kept:
                self.bytes -= self._kept.pop(key).bytes
            self._kept[key] = kept
            self.bytes += kept.bytes
            while self.bytes > self.max_bytes:
                self.bytes -= self._kept.popitem(last=False)[1].bytes


def _key(models: Sequence[str], path: str | Path) -> tuple[str, ...]:
    """SHA-256 of the file and the names of the models; empty where the file is too large or cannot be read."""
    try:
        if Path(path).stat().st_size > UPLOADS.file:
            return ()
        digest = sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return ()
    return (digest, *models)
