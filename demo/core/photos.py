"""A photo as the models see it, and with its tags: looked at once by each model, whatever is asked of it later."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image

from ram.images.opening import open_image
from ram.models.image_encoder import ImageFeatures
from ram.prediction import Prediction
from ram.tagger import TaggerBackend

PREVIEW_PIXELS = 1024
"""Longest side of the photo as the page shows it."""
SHOWN_PIXELS = 560
"""Longest side of the photo under a heat map."""


@dataclass(frozen=True)
class Photo:
    """A photo as the models see it.

    Args:
        features: by model name, on the CPU, where a waiting visitor holds no GPU memory.
        seconds: what looking at it took, by model name.
        shown: a small JPEG of it, to draw explanations on.
    """

    features: Mapping[str, ImageFeatures] = field(repr=False)
    seconds: Mapping[str, float] = field(default_factory=dict)
    shown: bytes = field(default=b"", repr=False)

    def __deepcopy__(self, memo: Any) -> Photo:
        return self  # nothing in it ever changes, so that visitors may share it


@dataclass(frozen=True)
class Tagged:
    """A photo with its predefined tags.

    Args:
        photo: with the features of the models that have looked so far, the main one first.
        preview: what the models saw, upright and small enough to send.
        prediction: the main model's.
        seconds: what looking and scoring took the main model.
    """

    photo: Photo
    preview: Image.Image = field(repr=False)
    prediction: Prediction = field(repr=False)
    seconds: float


Scores = Mapping[str, Prediction]
"""Predictions over the same categories, by model name."""


def look(taggers: Sequence[TaggerBackend], picture: str | Path) -> Iterator[Tagged]:
    """Tags after the first tagger's look, features after that of each further one.

    Raises:
        ImageError: the picture cannot be used; the message says why.
    """
    start = time.perf_counter()
    opened = open_image(picture)
    preview = opened.copy()
    preview.thumbnail((PREVIEW_PIXELS, PREVIEW_PIXELS))
    main, *others = taggers
    looked, photo = _look(main, opened, Photo({}, shown=_small_jpeg(preview)))
    prediction = main.score(looked)
    first = Tagged(photo, preview, prediction, time.perf_counter() - start)
    yield first
    for tagger in others:
        _, photo = _look(tagger, opened, photo)
        yield replace(first, photo=photo)


def _small_jpeg(preview: Image.Image) -> bytes:
    """Small enough to be sent again with every explanation."""
    small, kept = preview.copy(), io.BytesIO()
    small.thumbnail((SHOWN_PIXELS, SHOWN_PIXELS))
    small.convert("RGB").save(kept, "JPEG", quality=82)
    return kept.getvalue()


def _look(tagger: TaggerBackend, picture: Image.Image, before: Photo) -> tuple[ImageFeatures, Photo]:
    """What the tagger sees, where it runs, and the photo with that added."""
    start = time.perf_counter()
    features = tagger.look(picture)
    kept = {**before.features, tagger.name: features.to("cpu")}
    seconds = {**before.seconds, tagger.name: time.perf_counter() - start}
    return features, replace(before, features=kept, seconds=seconds)
