"""Heat maps: what the score of a tag loses without each part of a photo. Those of the last photos are kept."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TypeVar

import torch
from PIL import Image

from demo.core.photos import Photo
from ram.backends import TaggerBackend
from ram.errors import ImageError, InputError
from ram.images.opening import open_image
from ram.images.size_limits import UPLOADS
from ram.models.image_encoder import ImageFeatures
from ram.regions.evidence_maps import evidence_of_patches
from ram.regions.finding import box_of
from ram.regions.occlusion import OcclusionMap, look_at_patches, occlusion_maps
from ram.regions.region import Box
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank

Value = TypeVar("Value")

MAX_PHOTOS = 40
"""Photos whose patches and maps are kept: 17 MB for the shipped model, about as many photos as the page keeps."""
MAX_TAGS = 64
"""Maps, and boxes, that are kept of one photo."""


@dataclass(frozen=True, eq=False)
class _Seen:
    """Patches of a photo, on the CPU, with its maps and boxes by tag and sentences, the latest last."""

    patches: torch.Tensor = field(repr=False)
    maps: OrderedDict[tuple[str, ...], OcclusionMap] = field(default_factory=OrderedDict, repr=False)
    boxes: OrderedDict[tuple[str, ...], Box] = field(default_factory=OrderedDict, repr=False)


class HeatMaps:
    """Draw heat maps with the main model, and keep them.

    Args:
        tagger: the main model. Only one that runs in this process can draw maps: a GPU that is lent cannot.
    """

    def __init__(self, tagger: TaggerBackend) -> None:
        self._tagger = tagger if isinstance(tagger, Tagger) else None
        self._seen: OrderedDict[ImageFeatures, _Seen] = OrderedDict()

    def kept(self, photo: Photo | None, bank: TagEmbeddingBank | None, tag: str) -> OcclusionMap | None:
        """The map of a tag if it was drawn before; it takes no time."""
        features = self._features(photo)
        seen = None if features is None else self._seen.get(features)
        if seen is None or bank is None or tag not in bank.vocabulary:
            return None
        return seen.maps.get(_key(bank, tag))

    def can_draw(self, photo: Photo | None, bank: TagEmbeddingBank | None, tag: str) -> bool:
        """Whether :meth:`draw` may find a map: the model is of this program, and knows the photo and the tag."""
        return self._features(photo) is not None and bank is not None and tag in bank.vocabulary

    def draw(self, photo: Photo, bank: TagEmbeddingBank, tag: str) -> OcclusionMap | None:
        """Draw the map of a tag, or give the one that was drawn before; the first one of a photo runs the backbone.

        None where the model's patches have no position in the photo.
        """
        tagger, features = self._tagger, self._features(photo)
        assert tagger is not None and features is not None, "ask can_draw first"
        if drawn := self.kept(photo, bank, tag):
            return drawn
        seen = self._seen_of(tagger, features, photo)
        try:
            (drawn,) = occlusion_maps(tagger, seen.patches, bank.select([tag]))
        except InputError:
            self._tagger = None  # its patches have no position in any photo
            return None
        return _keep(seen.maps, _key(bank, tag), drawn)

    def box(self, photo: Photo, bank: TagEmbeddingBank, tag: str) -> Box:
        """The box of a tag that has a map, as `ram boxes` finds it: windows that are seen alone count too."""
        tagger, features = self._tagger, self._features(photo)
        assert tagger is not None and features is not None, "draw the map first"
        seen, key = self._seen_of(tagger, features, photo), _key(bank, tag)
        if key in seen.boxes:
            return seen.boxes[key]
        (evidence,) = evidence_of_patches(tagger, seen.patches, bank.select([tag]))
        return _keep(seen.boxes, key, box_of(evidence))

    def _seen_of(self, tagger: Tagger, features: ImageFeatures, photo: Photo) -> _Seen:
        """The patches, maps and boxes of a photo, which becomes the last to be forgotten.

        A photo of which nothing is kept is looked at.
        """
        seen = self._seen.pop(features, None) or _Seen(look_at_patches(tagger, _opened(photo)).cpu())
        self._seen[features] = seen
        while len(self._seen) > MAX_PHOTOS:
            self._seen.popitem(last=False)
        return seen

    def _features(self, photo: Photo | None) -> ImageFeatures | None:
        """The main model's features of a photo, which are the same object for every visitor of a repeated photo."""
        if photo is None or not photo.jpeg or self._tagger is None:
            return None
        return photo.features.get(self._tagger.name)


def _keep(kept: OrderedDict[tuple[str, ...], Value], key: tuple[str, ...], value: Value) -> Value:
    """Keep a value as the latest one, and forget the oldest past :data:`MAX_TAGS`."""
    kept[key] = value
    while len(kept) > MAX_TAGS:
        kept.popitem(last=False)
    return value


def _key(bank: TagEmbeddingBank, tag: str) -> tuple[str, ...]:
    """The tag with the sentences that stand for it, which a visitor may edit."""
    return tag, *bank.descriptions[tag]


def _opened(photo: Photo) -> Image.Image:
    """The photo as the model looked at it; its small copy where the file was deleted since."""
    try:
        return open_image(photo.source, UPLOADS, note=lambda _: None)  # it was noted at the first look
    except ImageError:
        return photo.picture()
