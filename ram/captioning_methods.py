"""The methods of a tagger that write captions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import overload

import torch

from ram.caption_writing import Caption, CaptionOptions, CaptionWriter, given_tags, no_captions
from ram.errors import ImageError, InputError
from ram.images.given import Source, is_source, numbered, several
from ram.images.size_limits import OWN_FILES as OWN_IMAGES
from ram.images.size_limits import ImageLimits
from ram.looking_methods import LookingMethods
from ram.models.image_encoder import ImageFeatures
from ram.models.ram import TaggingModel
from ram.prediction import Prediction
from ram.text.bank import TagEmbeddingBank


class CaptioningMethods(LookingMethods):
    """Captions by the captioner of a tagger's model; :class:`ram.tagger.Tagger` has the rest.

    Attributes:
        model: the network.
        bank: predefined tags.
    """

    model: TaggingModel
    bank: TagEmbeddingBank

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of the model."""

    @abstractmethod
    def score(self, features: ImageFeatures, bank: TagEmbeddingBank | None = None) -> Prediction:
        """Score one image that was looked at."""

    @property
    def has_captioner(self) -> bool:
        """Whether :meth:`caption` can be called."""
        return self.model.captioner is not None

    @property
    def adds_given_tags(self) -> bool:
        """Whether tags given to :meth:`caption` come beside those that the model finds, not in their place."""
        return self.has_captioner and self._writer().reads_apart

    @overload
    def caption(  # type: ignore[overload-overlap]
        self,
        picture: Source,
        tags: str | Sequence[str] | None = None,
        beams: int = 3,
        options: CaptionOptions | None = None,
    ) -> str: ...
    @overload
    def caption(
        self,
        picture: Iterable[Source],
        tags: str | Sequence[str] | None = None,
        beams: int = 3,
        options: CaptionOptions | None = None,
    ) -> list[str]: ...
    def caption(
        self,
        picture: Source | Iterable[Source],
        tags: str | Sequence[str] | None = None,
        beams: int = 3,
        options: CaptionOptions | None = None,
    ) -> str | list[str]:
        """Describe an image, or each of several, in a sentence that follows tags.

        Args:
            picture: what :meth:`look` takes, or several of them.
            tags: a list of names or one text, "dog, grass", for each image; they need not be predefined. None takes
                the predefined tags over their thresholds, an empty list takes none. A captioner that reads given and
                seen tags apart always has the predefined tags over their thresholds as seen, and these beside them.
            beams: captions written side by side, of which the best is returned; 1 takes the likeliest word each time.
            options: lengths, repetition, sampling.

        Raises:
            InputError: the model has no captioner or cannot read a tag, or a number is out of range.
            ImageError: an image cannot be opened; the message says why, and which of several it is.
        """
        self._writer()  # without one, no image is looked at
        if is_source(picture):
            return self.caption_features([self.look(picture)], tags, beams, options)[0].text
        captions: list[str] = []
        for number, caption in enumerate(self.caption_through(several(picture), tags, beams, options), 1):
            if isinstance(caption, ImageError):
                raise numbered(caption, number)
            captions.append(caption.text)
        return captions

    def caption_through(
        self,
        images: Iterable[Source],
        tags: str | Sequence[str] | None = None,
        beams: int = 3,
        options: CaptionOptions | None = None,
        limits: ImageLimits = OWN_IMAGES,
    ) -> Iterator[Caption | ImageError]:
        """Describe many images, in batches that are read ahead of the model.

        Args:
            images: what :meth:`look` takes; they may be endless.
            tags, beams, options: as for :meth:`caption`.
            limits: on each image.

        Yields:
            The caption of each image in order, or the error where it cannot be used.

        Raises:
            InputError: as for :meth:`caption`.
        """
        self._writer()
        looks = self.look_through(images, limits=limits)
        while batch := list(islice(looks, self.batch_size)):
            usable = [one for one in batch if not isinstance(one, ImageError)]
            captions = iter(self.caption_features(usable, tags, beams, options))
            yield from (one if isinstance(one, ImageError) else next(captions) for one in batch)

    @torch.inference_mode()
    def caption_features(
        self,
        features: Sequence[ImageFeatures],
        tags: str | Sequence[str] | None = None,
        beams: int = 3,
        options: CaptionOptions | None = None,
    ) -> list[Caption]:
        """Describe images that were looked at: a caption is rewritten for other tags without a second look.

        Args:
            features: of :meth:`look`; their captions are written together.
            tags, beams, options: as for :meth:`caption`.

        Raises:
            InputError: as for :meth:`caption`.
        """
        given = self._readable(tags)
        if not features:
            return []
        seen = [self._seen(one, tags is None, options) for one in features]
        return self._write([one.tokens for one in features], [given] * len(features), seen, beams, options)

    @torch.inference_mode()
    def caption_variants(
        self,
        features: ImageFeatures,
        tags: Sequence[str | Sequence[str] | None],
        beams: int = 3,
        options: CaptionOptions | None = None,
    ) -> list[Caption]:
        """Describe one image several times, guided by other tags each time; all captions are written together.

        Args:
            features: of :meth:`look`.
            tags: for each caption what :meth:`caption` takes.
            beams, options: as for :meth:`caption`.

        Raises:
            InputError: as for :meth:`caption`.
        """
        given = [self._readable(one) for one in tags]
        if not tags:
            return []
        found, beside = self._seen(features, True, options), self.adds_given_tags
        seen = [found if one is None or beside else () for one in tags]
        return self._write([features.tokens] * len(tags), given, seen, beams, options)

    def reads(self, tag: str) -> bool:
        """Whether the captioner has pieces for a tag, which may be given to it then."""
        try:
            self._readable([tag])
        except InputError:
            return False
        return True

    def _readable(self, tags: str | Sequence[str] | None) -> tuple[str, ...]:
        """Given tags as the captioner reads them."""
        given = tuple(given_tags(tags or (), self.bank.vocabulary.tags))
        self._writer().check(given)
        return given

    def _seen(self, features: ImageFeatures, alone: bool, options: CaptionOptions | None) -> tuple[str, ...]:
        """Tags that the model finds, where they guide a caption: where they are alone, or read beside given ones."""
        writer = self._writer()
        if not (alone or writer.reads_apart):
            return ()
        left_out = set(options.without) if options else set()
        return tuple([tag for tag in self.score(features).tags if tag not in left_out][: writer.most_seen])

    def _write(
        self,
        tokens: Sequence[torch.Tensor],
        given: Sequence[tuple[str, ...]],
        seen: Sequence[tuple[str, ...]],
        beams: int,
        options: CaptionOptions | None,
    ) -> list[Caption]:
        known = self.bank.vocabulary.tags
        texts = self._writer().write(torch.cat(list(tokens)), given, seen, known, beams, options)
        return [Caption(*each) for each in zip(texts, given, seen, strict=True)]

    def _writer(self) -> CaptionWriter:
        if self.model.captioner is None:
            raise no_captions(self.name)
        return CaptionWriter(self.model.captioner)
