"""The tagger: images in, predictions out. Stateless between calls, and safe to share between threads."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, overload

import torch

from ram.captioning_methods import CaptioningMethods
from ram.checkpoints.model_folder import assemble
from ram.hub.model_card import ModelReport
from ram.hub.saving import save_repository, upload_tagger
from ram.images.given import Source, is_source, several
from ram.images.transforms import EvalTransform
from ram.models.config import ModelConfig
from ram.models.image_encoder import ImageFeatures
from ram.models.ram import TaggingModel
from ram.models.scoring import Scorer
from ram.models.text_encoder import TextEncoder
from ram.prediction import Prediction
from ram.scoring_methods import ScoringMethods
from ram.strength import OwnVocabulary
from ram.tagger_parts import Once, copy_for_evaluation
from ram.text.bank import TagEmbeddingBank
from ram.text.wordpiece import WordPiece

_NO_REPORT = ModelReport()


class Tagger(ScoringMethods, CaptioningMethods):
    """A tagging model with its bank, text encoder and image transform.

    Args:
        config: describes the model.
        model: its network. The tagger runs a copy, which shares the weights where device and dtype are the same.
        bank: predefined tags, embedded by the text encoder the config names.
        text_encoder: makes the text encoder when categories are first typed; plain tagging never waits.
        device, dtype: where and how the network runs.
        report: licence, training data and measurements, for the model card.
    """

    def __init__(
        self,
        config: ModelConfig,
        model: TaggingModel,
        bank: TagEmbeddingBank,
        text_encoder: Callable[[], TextEncoder],
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        report: ModelReport = _NO_REPORT,
    ) -> None:
        self.config = config
        self.report = report
        self.device = torch.device(device)
        self.dtype = dtype
        self.model = copy_for_evaluation(model, self.device, dtype)
        self.transform = EvalTransform(
            config.image.size, config.image.mean, config.image.std, config.image.interpolation
        )
        self._scorer = Scorer(self.model)
        self._text_encoder = Once(text_encoder)
        self._set_bank(bank)
        cut = config.unlike_below
        self._own = None if cut is None else OwnVocabulary(self.bank, self._prepared, cut)

    @classmethod
    def from_pretrained(cls, model: str | Path, device: str = "auto", dtype: str = "auto") -> Tagger:
        """Load a name, a model folder or a repository of the hub: :func:`ram.load` by the name it has elsewhere."""
        from ram.tagger_loading import load

        return load(model, device, dtype)

    def save_pretrained(self, folder: str | Path, half: bool = False) -> None:
        """Write a model folder with a model card, which is a repository of the hub as it stands.

        Args:
            folder: is made where it does not exist.
            half: store matrices in 16 bit: half the size, and next to no change of a score.
        """
        save_repository(Path(folder), self, half)

    def push_to_hub(self, repository: str, private: bool | None = None, half: bool = False) -> str:
        """Upload what :meth:`save_pretrained` writes to "owner/name" on the hub, and return the commit's address.

        Raises:
            DownloadError: the hub cannot be reached or refuses; the message says what to do.
        """
        return upload_tagger(repository, self, private, half)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.config.name

    @property
    def kind(self) -> str:
        """Family of the model: RAM, RAM++ or Tag2Text."""
        return self.config.kind

    @property
    def text_encoder(self) -> TextEncoder:
        """The frozen text encoder, made on first use.

        Raises:
            TextEncoderError: its package or weights are missing.
        """
        return self._text_encoder()

    @overload  # a path, bytes and a file are iterable too
    def tag(self, picture: Source, shortlist: int | None = None) -> Prediction: ...  # type: ignore[overload-overlap]
    @overload
    def tag(  # type: ignore[overload-overlap]
        self, picture: Iterator[Source], shortlist: int | None = None
    ) -> Iterator[Prediction]: ...
    @overload
    def tag(self, picture: Iterable[Source], shortlist: int | None = None) -> list[Prediction]: ...
    def tag(
        self, picture: Source | Iterable[Source], shortlist: int | None = None
    ) -> Prediction | list[Prediction] | Iterator[Prediction]:
        """Score one image, or each of several, over the predefined tags.

        Args:
            picture: what :meth:`look` takes, or several of them. A generator or another iterator is read a few
                batches ahead, and its predictions come one by one.
            shortlist: score only so many tags of each image, see :meth:`shortlist`; all of them where None.

        Raises:
            ImageTypeError: neither an image nor several.
            ImageError: an image cannot be opened; the message says why, and which of several it is.
                :meth:`look_through` goes on after such an image.
        """
        if is_source(picture):
            return self._tag(self.look(picture), shortlist)
        predictions = self._tag_each(several(picture), shortlist)
        return predictions if isinstance(picture, Iterator) else list(predictions)

    def with_bank(self, bank: TagEmbeddingBank) -> Tagger:
        """A tagger with other predefined tags, which shares the network and the text encoder."""
        other = copy.copy(self)
        other._set_bank(bank)
        return other

    def __copy__(self) -> Tagger:
        """A tagger that shares all parts."""
        other = object.__new__(type(self))
        vars(other).update(vars(self))
        return other

    def __reduce__(self) -> tuple[Callable[..., Tagger], tuple[object, ...]]:
        """Pickle what the tagger is made of: a process that is spawned makes it again.

        Raises:
            TypeError: the image encoder is compiled for this process.
        """
        if "forward" in vars(self.model.image_encoder):
            raise TypeError("a compiled tagger cannot be sent to another process: load it there")
        weights, own = self.model.state_dict(), self.bank if self._own is None else self._own.bank
        words = None if self.model.captioner is None else self.model.captioner.words
        parts = (self.config, weights, words, own, self._text_encoder.make, self.device, self.dtype, self.report)
        return _made_again, (type(self), self.bank, *parts)

    def _set_bank(self, bank: TagEmbeddingBank) -> None:
        self.bank = self._moved(bank)
        with torch.inference_mode():
            self._prepared = self._scorer.prepare(self.bank.embedded)

    def _tag(self, features: ImageFeatures, shortlist: int | None) -> Prediction:
        if shortlist is None:
            return self.score(features)
        prediction = self.score(features, self.shortlist(features, shortlist))
        return prediction if prediction.strength else replace(prediction, strength=self.strength(features))

    def _tag_each(self, images: Iterable[Source], shortlist: int | None) -> Iterator[Prediction]:
        for features in self._look_each(images):
            yield self._tag(features, shortlist)


def _made_again(
    kind: type[Tagger],
    bank: TagEmbeddingBank,
    config: ModelConfig,
    weights: Mapping[str, torch.Tensor],
    words: WordPiece | None,
    own: TagEmbeddingBank,
    *others: Any,
) -> Tagger:
    """Unpickle a tagger. The modules themselves are not pickled: a new process could not import timm's first."""
    model = assemble(config, weights, config.name)
    if model.captioner is not None:
        model.captioner.words = words
    made = kind(config, model, own, *others)
    return made if bank is own else made.with_bank(bank)
