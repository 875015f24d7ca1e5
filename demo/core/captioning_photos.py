"""Caption a visitor's photo, guided by tags that the visitor adds or takes away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from PIL.Image import Image

from demo.core.photos import Photo
from demo.core.texts import input_error
from demo.core.verdicts import verdict
from ram.backends import Captioner, TaggerBackend, VariantCaptioner, captioner_of
from ram.caption_reranking import RankedCaption, rank_captions
from ram.caption_writing import Caption, CaptionOptions
from ram.errors import InputError, TextEncoderError
from ram.images.opening import open_image
from ram.images.size_limits import UPLOADS
from ram.models.image_encoder import ImageFeatures
from ram.prediction import Prediction
from ram.text.names import matching_key, parse_categories
from ram.text.tags_in_text import TagsInText

BEAMS = 3
MOST_BEAMS = 8
"""Sentences that the search may keep; time and memory grow with them."""
MOST_GIVEN = 8
"""Tags that a visitor may add; a short sentence holds no more."""
LEAST = 0.05
"""Probability under which a caption is not shown at first sight: captions of coco128 and of Flickr8k dev that are less
likely have a CIDEr of 20 and 43, the others of 54 and 67."""


@dataclass(frozen=True)
class CaptionedPhoto:
    """A photo with its caption, and with the one that the visitor's tags led to.

    Args:
        source: path of the photo.
        own: caption without the visitor's tags.
        ranked: the captions that it was chosen from, the best first; empty where it is the only one.
        given: tags that the visitor added.
        without: tags of the model that the visitor took away.
        steered: caption guided by these; None where nothing was added or taken away.
        doubtful: tags that the latest of the captions names, and that the tagger finds unlikely on this photo.
    """

    source: str
    own: Caption
    ranked: tuple[RankedCaption, ...] = ()
    given: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    steered: Caption | None = None
    doubtful: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether the judge of the captions finds the best one at all likely."""
        return not self.ranked or self.ranked[0].score.probability >= LEAST

    def __deepcopy__(self, memo: Any) -> CaptionedPhoto:
        return self  # immutable


class PhotoCaptioner:
    """Write captions of photos that were looked at.

    Args:
        tagger: with a captioner.
        judge: chooses among several captions; None writes one.

    Raises:
        InputError: the tagger has none.
    """

    def __init__(self, tagger: object, judge: TaggerBackend | None = None) -> None:
        self.tagger: Captioner = captioner_of(tagger)
        self.judge = judge
        self._written: WeakKeyDictionary[ImageFeatures, tuple[Caption, tuple[RankedCaption, ...]]] = WeakKeyDictionary()

    def caption(self, photo: Photo) -> CaptionedPhoto | None:
        """Caption a photo; None as long as the model has not looked at it."""
        look = photo.features.get(self.tagger.name)
        if look is None:
            return None
        written = self._written.get(look)  # of a repeated photo, whose features are kept
        if written is None:
            written = self._written[look] = self._by_itself(look, photo)
        own, ranked = written
        return CaptionedPhoto(photo.source, own, ranked, doubtful=doubtful(own.text, photo.prediction))

    def add(self, photo: Photo, captioned: CaptionedPhoto, text: str) -> CaptionedPhoto:
        """Add tags, separated by commas, that the caption is to mention.

        Raises:
            InputError: nothing typed, no category, too many, or a word that the captioner cannot read.
        """
        given = dict.fromkeys((*captioned.given, *parse_categories(text)))
        if len(given) > MOST_GIVEN:
            raise input_error("caption_most_tags", most=MOST_GIVEN)
        keys = set(map(matching_key, given))
        without = tuple(tag for tag in captioned.without if matching_key(tag) not in keys)
        return self._steer(photo, replace(captioned, given=tuple(given), without=without))

    def switch(self, photo: Photo, captioned: CaptionedPhoto, tag: str) -> CaptionedPhoto:
        """Remove an added tag; take one of the model's away, or bring it back.

        Raises:
            InputError: no tag of this caption.
        """
        if tag in captioned.given:
            given = tuple(one for one in captioned.given if one != tag)
            return self._steer(photo, replace(captioned, given=given))
        if tag not in captioned.own.seen:
            raise input_error("caption_no_tag")
        left = {*captioned.without} ^ {tag}
        return self._steer(photo, replace(captioned, without=tuple(one for one in captioned.own.seen if one in left)))

    def reset(self, photo: Photo, captioned: CaptionedPhoto) -> CaptionedPhoto:
        """Take back all changes of the tags."""
        return self._steer(photo, replace(captioned, given=(), without=()))

    def _steer(self, photo: Photo, changed: CaptionedPhoto) -> CaptionedPhoto:
        if not (changed.given or changed.without):
            return replace(changed, steered=None, doubtful=doubtful(changed.own.text, photo.prediction))
        steered = self._steered(photo, changed)
        return replace(changed, steered=steered, doubtful=doubtful(steered.text, photo.prediction))

    def _steered(self, photo: Photo, changed: CaptionedPhoto) -> Caption:
        tagger, given, without = self.tagger, changed.given, changed.without
        look = photo.features[tagger.name]
        if not given or tagger.adds_given_tags:
            return self._write(look, given or None, without)
        seen = tuple(tag for tag in changed.own.seen if tag not in without)  # given tags would take their place
        caption = self._write(look, (*seen, *given))
        return Caption(caption.text, given, seen)

    def _by_itself(self, look: ImageFeatures, photo: Photo) -> tuple[Caption, tuple[RankedCaption, ...]]:
        """The caption without the visitor's tags, and those that it was chosen from."""
        if self.judge is not None and (features := photo.features.get(self.judge.name)) is not None:
            look, features = look.to(self.tagger.device), features.to(self.judge.device)
            if ranked := _ranked(self.tagger, look, self.judge, features, photo.prediction):
                return ranked[0].caption, ranked
        return self._write(look, None), ()

    def _write(self, look: ImageFeatures, tags: Sequence[str] | None, without: tuple[str, ...] = ()) -> Caption:
        options = CaptionOptions(without=without)
        (caption,) = self.tagger.caption_features([look.to(self.tagger.device)], tags, BEAMS, options)
        return caption


def doubtful(caption: str, prediction: Prediction | None) -> tuple[str, ...]:
    """Tags that a caption names and a prediction finds unlikely, in the caption's order; none without a prediction."""
    if prediction is None:
        return ()
    tags = prediction.vocabulary.tags
    named = [tags[index] for index in _finder(tags).find(caption)]
    return tuple(tag for tag in named if verdict(prediction[tag]) == "unlikely")


@lru_cache(maxsize=2)
def _finder(tags: tuple[str, ...]) -> TagsInText:
    return TagsInText(tags)


@dataclass(frozen=True)
class WrittenCaption:
    """Answer to a program.

    Args:
        model: name of the model that wrote it.
        caption: sentence and tags.
        notices: problems of the file, which was read all the same.
    """

    model: str
    caption: Caption
    notices: tuple[str, ...] = ()


def caption_file(
    captioner: Captioner, path: str | Path, tags: str = "", beams: int = BEAMS, judge: TaggerBackend | None = None
) -> WrittenCaption:
    """Write a sentence about an image file.

    Args:
        captioner: writes it.
        path: of the image.
        tags: names separated by commas that guide the sentence; empty for those that the models find.
        beams: of the beam search, 1 to :data:`MOST_BEAMS`; 1 is greedy.
        judge: where no tags are given, chooses among several captions.

    Raises:
        InputError: a tag is invalid, or the number is out of range.
        ImageError: the image cannot be used.
    """
    if isinstance(beams, bool) or not isinstance(beams, int) or not 1 <= beams <= MOST_BEAMS:
        raise InputError(f"beams is {str(beams)[:40]!r}: give a whole number from 1 to {MOST_BEAMS}")
    given = parse_categories(tags) if tags.strip() else None
    notices: list[str] = []
    image = open_image(path, UPLOADS, notices.append)
    caption = caption_image(captioner, image, given, beams, judge)
    return WrittenCaption(captioner.name, caption, tuple(notices))


def caption_image(
    captioner: Captioner, image: Image, given: Sequence[str] | None, beams: int, judge: TaggerBackend | None
) -> Caption:
    """Write a sentence about an opened image; the arguments are those of :func:`caption_file`."""
    look = captioner.look(image)
    if judge is not None and not given and (ranked := _ranked(captioner, look, judge, judge.look(image), None, beams)):
        return ranked[0].caption
    return captioner.caption_features([look], given, beams)[0]


def _ranked(
    captioner: Captioner,
    look: ImageFeatures,
    judge: TaggerBackend,
    features: ImageFeatures,
    prediction: Prediction | None,
    beams: int = BEAMS,
) -> tuple[RankedCaption, ...]:
    """Write several captions of an image; the best first.

    Empty where the captioner writes one caption only, or the judge's text encoder cannot be used.
    """
    if not isinstance(captioner, VariantCaptioner):
        return ()
    try:
        return rank_captions(captioner, look, judge, features, prediction, beams)
    except TextEncoderError:  # of the judge; it is told where categories are typed
        return ()
