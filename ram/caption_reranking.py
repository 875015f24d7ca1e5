"""Rerank captions by a tagger: several are written of an image, and the one that fits it best is kept.

A small captioner writes what it was taught: of a crocodile, that a dog plays with a ball. A tagger of more words knows
better, so each of its likeliest tags guides one more caption, and the tagger scores all of them as it scores typed
categories: each sentence is a query that its decoder compares with the image, as captions are in training (RAM++,
section 3.2).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from ram.backends import TaggerBackend, VariantCaptioner, captioner_of
from ram.caption_writing import Caption
from ram.errors import ImageError
from ram.images.given import Source
from ram.images.opening import open_image
from ram.images.reading import or_fault, read_ahead
from ram.images.size_limits import OWN_FILES, ImageLimits
from ram.models.image_encoder import ImageFeatures
from ram.prediction import Prediction, TagScore
from ram.tagger import Tagger

GUIDES = 4
"""Tags of the tagger that guide a caption each."""
ODDS = 1000.0
"""The captioner's own sentence stays unless another has so many times its odds; chosen on Flickr8k dev and coco128."""


@dataclass(frozen=True)
class RankedCaption:
    """A caption with the score that a tagger gives it as a category."""

    caption: Caption
    score: TagScore


def rank_captions(
    captioner: VariantCaptioner,
    look: ImageFeatures,
    tagger: TaggerBackend,
    features: ImageFeatures,
    prediction: Prediction | None = None,
    beams: int = 3,
) -> tuple[RankedCaption, ...]:
    """Write several captions of an image; the best first, then the others by score, equal texts once.

    One is the captioner's own, which is the best unless another has :data:`ODDS` times its odds. Each of the others is
    guided by a tag of the prediction that the captioner can read.

    Args:
        captioner: writes them.
        look: its features of the image.
        tagger: scores them.
        features: its features of the same image.
        prediction: of the tagger over its predefined tags; made where None.
        beams: of the beam search.
    """
    prediction = tagger.score(features) if prediction is None else prediction
    guides = [tag for tag in prediction.tags[:GUIDES] if captioner.reads(tag)]
    written = captioner.caption_variants(look, [None, *([guide] for guide in guides)], beams)
    captions: dict[str, Caption] = {}
    for caption in written:
        captions.setdefault(caption.text, caption)
    numbers = [str(number) for number in range(len(captions))]  # a category has a short name
    scores = tagger.score(features, tagger.embed({n: (text,) for n, text in zip(numbers, captions, strict=True)}))
    own, *others = (RankedCaption(caption, scores[n]) for n, caption in zip(numbers, captions.values(), strict=True))
    others.sort(key=lambda one: one.score.logit, reverse=True)
    if others and others[0].score.logit > own.score.logit + math.log(ODDS):
        return (others[0], *sorted((own, *others[1:]), key=lambda one: one.score.logit, reverse=True))
    return (own, *others)


def best_captions(
    captioner: Tagger, tagger: Tagger, images: Iterable[Source], beams: int = 3, limits: ImageLimits = OWN_FILES
) -> Iterator[Caption | ImageError]:
    """The best caption of each of many images, in order, or the error where an image cannot be used.

    Args:
        captioner, tagger, beams: as for :func:`rank_captions`.
        images: what :meth:`ram.tagger.Tagger.look` takes.
        limits: on each image.

    Raises:
        InputError: the captioner has none.
    """
    captioner_of(captioner)  # a model without a captioner says so
    for picture in read_ahead(partial(or_fault, partial(open_image, limits=limits)), images):
        if isinstance(picture, ImageError):
            yield picture
        else:
            look, features = captioner.look(picture), tagger.look(picture)
            yield rank_captions(captioner, look, tagger, features, None, beams)[0].caption
