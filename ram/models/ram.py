"""The tagging model: look once at a picture, score it against any bank of descriptions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from ram.models.attention import Context
from ram.models.decoder import AlignmentDecoder
from ram.models.heads import RARE, OwnHead, SharedHead
from ram.models.image_encoder import ImageEncoder, ImageFeatures
from ram.models.lite.ensemble import GlobalSimilarity
from ram.models.reweighting import DescriptionEmbeddings, DescriptionReweighting, LearnedQueries, TextQueries

PREPARED_AT_ONCE = 512
"""Tags of a 16-bit bank that are widened at a time."""

LIFT = 12.0
"""How far a cosine of 1 lifts the logit that an undecoded tag may have above that of tags on next to no picture. More
than it does on average, so that what the decoder would lift is not missed; chosen on 300 pictures."""


class Alignment(NamedTuple):
    """Pictures against tags.

    Args:
        logits: (batch, tags); a sigmoid makes them probabilities.
        weights: (batch, tags, descriptions) of the re-weighting.
    """

    logits: torch.Tensor
    weights: torch.Tensor


class TaggingModel(nn.Module):
    """RAM and RAM++ (Figure 3 of the RAM++ paper); they differ only in how many descriptions they are given. Tag2Text
    is the same with learned queries and a head a tag.

    Predefined tags, typed categories, and the captions of a batch in training are all banks to be scored.
    """

    def __init__(
        self,
        image_encoder: ImageEncoder,
        reweighting: DescriptionReweighting,
        queries: TextQueries | LearnedQueries,
        decoder: AlignmentDecoder,
        head: SharedHead | OwnHead,
        similarity: GlobalSimilarity | None = None,
    ) -> None:
        super().__init__()
        self.image_encoder = image_encoder
        self.reweighting = reweighting
        self.queries = queries
        self.decoder = decoder
        self.head = head
        self.similarity = similarity

    def look(self, pixels: torch.Tensor) -> ImageFeatures:
        """(batch, 3, height, width) normalised pixels to features: the expensive half, once a picture."""
        return self.image_encoder(pixels)

    def prepare(self, descriptions: DescriptionEmbeddings) -> DescriptionEmbeddings:
        """The same, with the queries where no picture changes them: of one description a tag, as RAM has.

        They are those of the present weights: what is trained on must not be prepared.
        """
        if descriptions.embeddings.shape[1] != 1:
            return descriptions
        embeddings = descriptions.as_type(next(self.decoder.parameters())).embeddings
        return replace(descriptions, queries=self.queries(embeddings.transpose(0, 1))[0])

    def prepare_similarity(self, descriptions: DescriptionEmbeddings) -> DescriptionEmbeddings:
        """The same, with what the global similarity knows of the tags before there is a picture."""
        if self.similarity is None:
            return descriptions
        like = next(self.decoder.parameters())
        parts = [self.similarity.prepare(part.as_type(like)) for part in descriptions.split(PREPARED_AT_ONCE)]
        return replace(descriptions, terms=tuple(torch.cat(term) for term in zip(*parts, strict=True)))

    def score(self, features: ImageFeatures, descriptions: DescriptionEmbeddings) -> torch.Tensor:
        """(batch, tags) logits."""
        return self.align(features, descriptions).logits

    def align(
        self, features: ImageFeatures, descriptions: DescriptionEmbeddings, chunk: int | None = None
    ) -> Alignment:
        """Logits with the weights behind them.

        Args:
            features: of ``look``.
            descriptions: (tags, descriptions, dim) embeddings and their mask; those in 16 bit are brought to the
                features' dtype a chunk at a time, so that a large bank is in memory once and small.
            chunk: tags scored at a time; bounds memory and changes no score.
        """
        contexts = self.decoder.read(features.tokens, descriptions.tags)
        parts = [self._align(features, contexts, rows.as_type(features.tokens)) for rows in descriptions.split(chunk)]
        if len(parts) == 1:
            return parts[0]
        return Alignment(torch.cat([p.logits for p in parts], 1), torch.cat([p.weights for p in parts], 1))

    def nearness(
        self, features: ImageFeatures, descriptions: DescriptionEmbeddings, chunk: int | None = None
    ) -> torch.Tensor:
        """(batch, tags) what logits may be, as far as can be told without the decoder: by the re-weighted similarity,
        the cosine of the pooled token with each tag's blended descriptions, and what the global similarity makes of it
        where there is one. Only their order means anything."""
        parts = []
        for rows in descriptions.split(chunk):
            rows = rows.as_type(features.tokens)
            blended, _ = self.reweighting(features.pooled, rows)
            near = RARE + LIFT * torch.einsum("bd,btd->bt", F.normalize(features.pooled, dim=-1), blended)
            parts.append(near if self.similarity is None else self.similarity(near, features, rows))
        return torch.cat(parts, dim=1)

    def attention(self, features: ImageFeatures, descriptions: DescriptionEmbeddings) -> torch.Tensor:
        """(batch, tags, patches + 1): what each tag's query pays to the pooled token, first, and to every patch."""
        blended, _ = self.reweighting(features.pooled, descriptions)
        return self.decoder.attention(self.queries(blended), features.tokens)

    def _align(
        self, features: ImageFeatures, contexts: Sequence[Context], descriptions: DescriptionEmbeddings
    ) -> Alignment:
        blended, weights = self.reweighting(features.pooled, descriptions)
        prepared = descriptions.queries
        queries = self.queries(blended) if prepared is None else prepared.expand(len(blended), -1, -1)
        aligned = self.decoder(queries, contexts)
        logits = self.head(aligned, blended)
        if self.similarity is not None and not self.training:
            logits = self.similarity(logits, features, descriptions)
        return Alignment(logits, weights)
