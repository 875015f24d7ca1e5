"""The methods of a tagger that score: any bank against the features of images that were looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ram.bank_methods import BankMethods
from ram.errors import InputError
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.image_encoder import ImageFeatures, patch_grid
from ram.models.scoring import PreparedBank, Scorer, Scores
from ram.prediction import Explanation, Prediction, Strength
from ram.strength import OwnVocabulary
from ram.text.bank import TagEmbeddingBank


class ScoringMethods(BankMethods):
    """Scores and reasons by a tagger's model; :class:`ram.tagger.Tagger` has the rest."""

    _scorer: Scorer
    _prepared: PreparedBank
    _own: OwnVocabulary | None

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

    @property
    def contrast_scale(self) -> float:
        """Logits that a cosine of 1 between a pooled token and a caption is worth.

        It is the inverse temperature that training learned for their contrast, 0 where it learned none.
        """
        return float(self._scorer.model.reweighting.contrast_scale.detach()) if self.config.reweight else 0.0

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
            untaught = f"{self.config.name} did not learn which texts an image is near to"
            raise InputError(f"{untaught}: leave the shortlist out")
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

    def _strength(self, features: ImageFeatures, bank: TagEmbeddingBank, logits: torch.Tensor) -> Strength | None:
        """The strength with a prediction: from its (tags,) logits where the bank begins with the own vocabulary."""
        if self._own is not None and self._own.begins(bank):
            return self._own.strength(logits)
        return self.strength(features) if bank is self.bank else None

    def _embeddings(self, bank: TagEmbeddingBank) -> DescriptionEmbeddings | PreparedBank:
        """The bank's embeddings, prepared where it is the model's own."""
        return self._prepared if bank is self.bank else self._moved(bank).embedded
