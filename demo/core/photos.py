"""A photo with its features and tags: each model looks at it once."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image

from ram.backends import Captioner, TaggerBackend
from ram.images.opening import open_image
from ram.images.size_limits import UPLOADS
from ram.models.image_encoder import ImageFeatures
from ram.prediction import Prediction

PREVIEW_PIXELS = 1024
"""Longest side of the photo on the page."""
SHOWN_PIXELS = 560
"""Longest side of the photo under a heat map."""


@dataclass(frozen=True)
class Photo:
    """A photo as the models see it.

    Args:
        features: by model name; on the CPU, so that waiting visitors use no GPU memory.
        seconds: time that each model took to look at it.
        jpeg: a small copy, to draw explanations on.
        source: path of its file.
        prediction: of the main model over its predefined tags, once it has looked.
        tagged_in: time that the main model took to look and score, in seconds.
    """

    features: Mapping[str, ImageFeatures] = field(repr=False)
    seconds: Mapping[str, float] = field(default_factory=dict)
    jpeg: bytes = field(default=b"", repr=False)
    source: str = ""
    prediction: Prediction | None = field(default=None, repr=False)
    tagged_in: float = 0.0

    def __deepcopy__(self, memo: Any) -> Photo:
        return self  # immutable, so that visitors may share it

    def picture(self) -> Image.Image:
        """The small copy as an image."""
        return Image.open(io.BytesIO(self.jpeg))


@dataclass(frozen=True)
class Tagged:
    """A photo with its predefined tags.

    Args:
        photo: with the features of the models that have looked so far, the main one first.
        preview: the photo upright and small enough to send.
        notices: problems of the file, which was read all the same.
    """

    photo: Photo
    preview: Image.Image = field(repr=False)
    notices: tuple[str, ...] = ()

    @property
    def prediction(self) -> Prediction:
        """The main model's."""
        assert self.photo.prediction is not None
        return self.photo.prediction


Scores = Mapping[str, Prediction]
"""Predictions over the same categories, by model name."""


def look(
    taggers: Sequence[TaggerBackend], path: str | Path, captioner: Captioner | None = None
) -> Iterator[Tagged]:
    """Yield the tags after the first tagger has looked, then the features as each further tagger has.

    Args:
        taggers: the one that tags first.
        path: of the photo.
        captioner: looks last, unless it is one of the taggers.

    Raises:
        ImageError: the photo cannot be used.
    """
    start = time.perf_counter()
    notices: list[str] = []
    image = open_image(path, UPLOADS, notices.append)
    preview = image.copy()
    preview.thumbnail((PREVIEW_PIXELS, PREVIEW_PIXELS))
    main, *others = taggers
    features, photo = _look(main, image, Photo({}, jpeg=_small_jpeg(preview), source=str(path)))
    prediction = main.score(features)
    photo = replace(photo, prediction=prediction, tagged_in=time.perf_counter() - start)
    first = Tagged(photo, preview, tuple(notices))
    yield first
    further: list[TaggerBackend | Captioner] = [*others]
    if captioner is not None and captioner.name not in {tagger.name for tagger in taggers}:
        further.append(captioner)
    for looker in further:
        _, photo = _look(looker, image, photo)
        yield replace(first, photo=photo)


def _small_jpeg(preview: Image.Image) -> bytes:
    """A copy small enough to be sent with every explanation."""
    small, jpeg = preview.copy(), io.BytesIO()
    small.thumbnail((SHOWN_PIXELS, SHOWN_PIXELS))
    small.convert("RGB").save(jpeg, "JPEG", quality=82)
    return jpeg.getvalue()


def _look(tagger: TaggerBackend | Captioner, image: Image.Image, photo: Photo) -> tuple[ImageFeatures, Photo]:
    """The tagger's features, on its device, and the photo with them added."""
    start = time.perf_counter()
    features = tagger.look(image)
    by_model = {**photo.features, tagger.name: features.to("cpu")}
    seconds = {**photo.seconds, tagger.name: time.perf_counter() - start}
    return features, replace(photo, features=by_model, seconds=seconds)
