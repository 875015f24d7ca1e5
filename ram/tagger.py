"""The tagger: images in, predictions out. Stateless between calls, and safe to share between threads."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch

from ram.captioning_methods import CaptioningMethods
from ram.checkpoints.model_folder import assemble
from ram.checkpoints.named_vocabularies import named_bank
from ram.describers.by_name import describe_names
from ram.errors import ImageError, InputError
from ram.hub.model_card import ModelReport
from ram.hub.saving import save_repository, upload_tagger
from ram.images.given import Source, is_source, numbered, several
from ram.images.opening import open_image
from ram.images.reading import read_batches
from ram.images.size_limits import OWN_FILES as OWN_IMAGES
from ram.images.size_limits import ImageLimits
from ram.images.transforms import EvalTransform
from ram.models.config import ModelConfig
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.image_encoder import ImageFeatures, patch_grid
from ram.models.ram import TaggingModel
from ram.models.scoring import PreparedBank, Scorer, Scores
from ram.models.text_encoder import TextEncoder
from ram.prediction import Explanation, Prediction, Strength
from ram.runtime import Progress, cache_folder, quiet
from ram.strength import OwnVocabulary
from ram.tagger_parts import Once, copy_for_evaluation
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import TagDescriptions
from ram.text.tag_packs import OWN_FILES, PackLimits, load_pack, save_pack
from ram.text.wordpiece import WordPiece

BATCH, CPU_BATCH = 32, 4
"""Images that go through the image encoder together; on a CPU, larger batches cost more memory and save no time."""

_NO_REPORT = ModelReport()


class Tagger(CaptioningMethods):
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

    @property
    def batch_size(self) -> int:
        """Images that go through the image encoder together."""
        return CPU_BATCH if self.device.type == "cpu" else BATCH

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

    def look(self, picture: Source) -> ImageFeatures:
        """Run the image encoder once: all that any later scoring of this image needs.

        Args:
            picture: a path, the bytes of a file, a file opened in binary mode, a PIL image, or a numpy array of uint8:
                (height, width), (height, width, 3) in RGB order or (height, width, 4). OpenCV reads BGR: give
                ``array[:, :, ::-1]``.

        Raises:
            ImageTypeError: a value of another type.
            ImageError: the image cannot be opened; the message says why.
        """
        return self.look_at_pixels(self.transform(open_image(picture))[None])

    def look_through(
        self, images: Iterable[Source], workers: int = 0, limits: ImageLimits = OWN_IMAGES
    ) -> Iterator[ImageFeatures | ImageError]:
        """Look at many images, in batches that are read ahead of the model.

        Args:
            images: what :meth:`look` takes; they may be endless.
            workers: processes that read, see :func:`ram.images.reading.read_ahead`.
            limits: on each image.

        Yields:
            The features of each image in order, or the error where it cannot be used.
        """
        for batch in read_batches(images, self.transform, self.batch_size, workers, limits):
            features = self.look_at_pixels(batch.pixels) if len(batch.pixels) else None
            index = 0
            for fault in batch.faults:
                if fault is not None:
                    yield fault
                elif features is not None:
                    yield features.rows(slice(index, index + 1))
                    index += 1

    @torch.inference_mode()
    def look_at_pixels(self, pixels: torch.Tensor) -> ImageFeatures:
        """Run the image encoder on (batch, 3, size, size) pixels that :attr:`transform` made."""
        return self.model.look(pixels.to(self.device, self.dtype))

    def score(self, features: ImageFeatures, bank: TagEmbeddingBank | None = None) -> Prediction:
        """Score the features of one image over any bank, without a second look.

        Args:
            features: of :meth:`look`.
            bank: the predefined one where None.

        Raises:
            InputError: the bank is of another text encoder than the model's.
        """
        bank = self.bank if bank is None else bank
        scores = self.score_batch(features, bank)
        logits = scores.logits[0].float()
        return Prediction(
            bank.vocabulary,
            bank.sentences,
            logits.sigmoid().cpu().numpy(),
            scores.weights[0].float().cpu().numpy(),
            {name: term[0].float().cpu().numpy() for name, term in scores.terms.items()},
            self._strength(features, bank, logits),
        )

    @torch.inference_mode()
    def strength(self, features: ImageFeatures) -> Strength | None:
        """Strength of the model's response to an image, over the vocabulary that it was loaded with.

        A prediction over that vocabulary, alone or joined with further tags, has it already; see
        :attr:`ram.prediction.Prediction.strength`.

        Args:
            features: of :meth:`look`.

        Returns:
            None where the model has no cut (``unlike_below``) in its configuration.
        """
        if self._own is None:
            return None
        return self._own.strength(self._scorer.score(features, self._own.prepared).logits[0])

    @torch.inference_mode()
    def score_batch(self, features: ImageFeatures, bank: TagEmbeddingBank | DescriptionEmbeddings) -> Scores:
        """Named terms and re-weighting of a batch of images, on the model's device.

        Args:
            features: of :meth:`look_at_pixels`.
            bank: any, or bare embeddings of the model's text encoder in :attr:`dtype`, on its device.

        Raises:
            InputError: the bank is of another text encoder than the model's.
        """
        if isinstance(bank, DescriptionEmbeddings):
            return self._scorer.score(features, bank)
        self._check(bank)
        return self._scorer.score(features, self._embeddings(bank))

    @torch.inference_mode()
    def shortlist(
        self, features: ImageFeatures, most: int, bank: TagEmbeddingBank | None = None, keep: Sequence[str] = ()
    ) -> TagEmbeddingBank:
        """The tags of a very large bank that are worth decoding: the nearest to the image by re-weighted similarity.

        Their scores are exact. The others are absent from a prediction over the shortlist: some may have been over
        their thresholds (docs/vocabularies.md has how many).

        Args:
            features: of :meth:`look`.
            most: how many tags to keep; all of them where the bank has no more.
            bank: the predefined one where None.
            keep: tags to keep beside the nearest, whatever their similarity.

        Raises:
            InputError: fewer than one tag is asked for, ``keep`` names a tag that is not in the bank, the bank is of
                another text encoder than the model's, or the model learned no re-weighted similarity.
        """
        if most < 1:
            raise InputError(f"a shortlist of {most} tags is empty: keep at least 1")
        bank = self.bank if bank is None else bank
        if len(bank) <= most:
            return bank
        near = self.nearness(features, bank)[0]
        chosen = {*near.topk(most).indices.tolist(), *(bank.vocabulary.id(tag) for tag in keep)}
        return bank.select([bank.vocabulary.tags[i] for i in sorted(chosen)])

    @torch.inference_mode()
    def nearness(self, features: ImageFeatures, bank: TagEmbeddingBank) -> torch.Tensor:
        """Order images and tags without the decoder: (batch, tags), the higher the nearer.

        Args:
            features: of a batch; only their pooled tokens and class probabilities are used.
            bank: any.

        Raises:
            InputError: the bank is of another text encoder than the model's, or the model learned no re-weighted
                similarity.
        """
        self._check(bank)
        if not self.config.reweight:
            raise InputError(f"{self.name} did not learn which texts an image is near to: leave the shortlist out")
        return self._scorer.nearness(features, self._embeddings(bank))

    @torch.inference_mode()
    def explain(self, features: ImageFeatures, bank: TagEmbeddingBank, tag: str) -> Explanation:
        """Explain a tag's score: its evidence, what each patch adds to it, and the score without each description.

        Args:
            features: of :meth:`look`; this runs no image encoder.
            bank: any that holds the tag.
            tag: one of the bank's.

        Raises:
            InputError: the bank has no such tag, or is of another text encoder than the model's.
        """
        alone = bank.select([tag])
        prediction = self.score(features, alone)
        embeddings = alone.embedded.to(self.device, self.dtype)
        attention = self._scorer.attention(features, embeddings)[0, 0].float().cpu().numpy()
        count, without = len(alone.sentences[0]), np.empty(0, np.float32)
        if count > 1:
            left_out = self._scorer.score(features, embeddings.leave_one_out()).logits[0]
            without = left_out.float().sigmoid().cpu().numpy()
        effects = self._scorer.patch_effects(features, embeddings).float().cpu().numpy()
        grid = patch_grid(len(effects))
        return Explanation(
            prediction[tag], prediction.weights[0, :count], without, attention[1:].reshape(grid), float(attention[0]),
            effects.reshape(grid),
        )  # fmt: skip

    @torch.inference_mode()
    def attention(self, features: ImageFeatures, bank: TagEmbeddingBank) -> np.ndarray:
        """Attention of each tag's query to each patch in the decoder's last layer, averaged over heads.

        Args:
            features: of :meth:`look`, one image.
            bank: whose tags are asked.

        Returns:
            (tags, rows, columns); what is missing from 1 in the sum of a map is the attention to the pooled token.

        Raises:
            InputError: the bank is of another text encoder than the model's.
        """
        self._check(bank)
        embeddings = bank.embedded.to(self.device, self.dtype)
        maps = self._scorer.attention(features, embeddings)[0, :, 1:].float().cpu().numpy()
        return maps.reshape(len(maps), *patch_grid(maps.shape[1]))

    def embed(self, descriptions: Mapping[str, Sequence[str]] | TagDescriptions | Iterable[str]) -> TagEmbeddingBank:
        """A bank of new categories from their descriptions; a RAM model keeps the first sentence of each.

        Args:
            descriptions: sentences of each category; or names alone, a list or "corgi, kite", which the lexicon
                describes, as ``ram tag --tags`` does.

        Raises:
            ValueError: a category is without a description, its name is unusable, the text encoder cannot read it, or
                it reads two categories as one.
            TextEncoderError: the text encoder cannot be had.
        """
        if not isinstance(descriptions, Mapping):
            descriptions = describe_names(descriptions)
        elif not isinstance(descriptions, TagDescriptions):
            descriptions = TagDescriptions(descriptions)
        used = descriptions.first(self.config.max_descriptions)
        return TagEmbeddingBank.build(used, self.text_encoder).refuse_equal().to(self.device, self.dtype)

    def save_pack(self, path: str | Path, bank: TagEmbeddingBank) -> None:
        """Write a bank as a tag pack, one file for any model of the same text encoder.

        Raises:
            ValueError: the bank is of another text encoder, or has a tag that is no category.
            TextEncoderError: the text encoder, whose fingerprint belongs into the pack, cannot be had.
        """
        save_pack(path, bank, self.text_encoder)

    def load_pack(self, path: str | Path, limits: PackLimits = OWN_FILES) -> TagEmbeddingBank:
        """The bank of a tag pack; a RAM model keeps the first sentence of each tag. Needs no text encoder.

        Raises:
            PackError: the pack is broken, too large, or for another text encoder.
        """
        bank = load_pack(path, self.config.text_encoder, self.config.dim, limits)
        return self._moved(bank.first(self.config.max_descriptions))

    def load_vocabulary(self, name: str, progress: Progress = quiet) -> TagEmbeddingBank:
        """The bank of a vocabulary by name: "official", the 4,585 tags of RAM and RAM++ with their Chinese names.

        A tag that is predefined here keeps its descriptions and its threshold. The lexicon describes the others; their
        threshold is 0.5. The list is fetched and the tags are embedded on first use, then read from the cache.

        Args:
            name: of the vocabulary.
            progress: called with what is being done, how much of it is done, and how much there is.

        Raises:
            InputError: there is no such vocabulary.
            DownloadError: its list is not here and cannot be fetched.
            TextEncoderError: the text encoder cannot be had, or the model reads no texts.
        """
        most = self.config.max_descriptions
        return self._moved(named_bank(name, self.bank, self._text_encoder, cache_folder(), most, progress))

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

    def _strength(self, features: ImageFeatures, bank: TagEmbeddingBank, logits: torch.Tensor) -> Strength | None:
        """The strength with a prediction: from its (tags,) logits where the bank begins with the own vocabulary."""
        if self._own is not None and self._own.begins(bank):
            return self._own.strength(logits)
        return self.strength(features) if bank is self.bank else None

    def _tag(self, features: ImageFeatures, shortlist: int | None) -> Prediction:
        if shortlist is None:
            return self.score(features)
        prediction = self.score(features, self.shortlist(features, shortlist))
        return prediction if prediction.strength else replace(prediction, strength=self.strength(features))

    def _tag_each(self, images: Iterable[Source], shortlist: int | None) -> Iterator[Prediction]:
        for features in self._look_each(images):
            yield self._tag(features, shortlist)

    def _look_each(self, images: Iterable[Source]) -> Iterator[ImageFeatures]:
        for number, features in enumerate(self.look_through(images), 1):
            if isinstance(features, ImageError):
                raise numbered(features, number)
            yield features

    def _check(self, bank: TagEmbeddingBank) -> None:
        if bank.text_encoder != self.config.text_encoder:
            raise InputError(
                f"{self.name} was trained on embeddings of {self.config.text_encoder!r}, this bank is of "
                f"{bank.text_encoder!r}: embed it again with this tagger"
            )

    def _embeddings(self, bank: TagEmbeddingBank) -> DescriptionEmbeddings | PreparedBank:
        """The bank's embeddings, prepared where it is the model's own."""
        return self._prepared if bank is self.bank else self._moved(bank).embedded

    def _moved(self, bank: TagEmbeddingBank) -> TagEmbeddingBank:
        """The bank on the model's device, in its dtype or a smaller one that it is stored in: banks may be large."""
        stored = bank.embedded.embeddings.dtype
        return bank.to(self.device, stored if stored.itemsize < self.dtype.itemsize else self.dtype)


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
