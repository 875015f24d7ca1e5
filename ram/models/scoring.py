"""Score images over banks of any size: in chunks, with what no image changes computed once per bank.

No tag changes another's score, so scoring in chunks is exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F

from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.fast import accelerate
from ram.models.fast.absorbed_attention import read
from ram.models.image_encoder import ImageFeatures
from ram.models.lite.centered_reweighting import CenteredReweighting
from ram.models.lite.ensemble import TagTerms
from ram.models.lite.model import LiteModel, total
from ram.models.ram import TaggingModel

CHUNK = 512
"""Tags scored at a time: bounds memory whatever the vocabulary, and changes no score."""


@dataclass(frozen=True, eq=False)
class PreparedBank:
    """A bank with what a model makes of it before there is an image.

    Args:
        embeddings: (tags, descriptions, dim) and their mask.
        queries: (tags, hidden) where no image changes them: of one description per tag, as RAM has.
        terms: of a small model's ensemble.
    """

    embeddings: DescriptionEmbeddings
    queries: torch.Tensor | None = None
    terms: TagTerms | None = None

    def chunks(self) -> Iterator[PreparedBank]:
        """The tags, :data:`CHUNK` at a time; one empty chunk where there are none."""
        for start in range(0, max(self.embeddings.tags, 1), CHUNK):
            index = slice(start, start + CHUNK)
            yield PreparedBank(
                self.embeddings.rows(index),
                None if self.queries is None else self.queries[index],
                None if self.terms is None else self.terms.rows(index),
            )


@dataclass(frozen=True, eq=False)
class Scores:
    """Images against tags.

    Args:
        terms: (batch, tags) each, by name; the official models have the one term "decoder".
        weights: (batch, tags, descriptions) of the re-weighting.
    """

    terms: dict[str, torch.Tensor]
    weights: torch.Tensor

    @property
    def logits(self) -> torch.Tensor:
        """(batch, tags): the sum of the terms."""
        return total(self.terms)


class Scorer:
    """Score images with the fast twins of a model's parts (see :func:`ram.models.fast.accelerate`).

    Args:
        model: in evaluation mode and the caller's own; it is accelerated in place.
    """

    def __init__(self, model: TaggingModel) -> None:
        accelerate(model)
        self.model = model
        self._like = next(model.decoder.parameters())

    def prepare(self, bank: DescriptionEmbeddings) -> PreparedBank:
        """Compute what no image changes. A bank in 16 bit is widened a chunk at a time, and stays in 16 bit."""
        parts = [chunk.widen(self._like) for chunk in bank.split(CHUNK)]
        terms, queries = None, None
        if isinstance(self.model, LiteModel):
            terms = TagTerms.join([self.model.prepare(part) for part in parts])
        if isinstance(self.model.reweighting, CenteredReweighting):
            bank = replace(bank, spread=torch.cat([part.distances() for part in parts]))
        if bank.embeddings.shape[1] == 1:
            queries = torch.cat([self.model.queries(part.embeddings.transpose(0, 1))[0] for part in parts])
        return PreparedBank(bank, queries, terms)

    def score(self, features: ImageFeatures, bank: DescriptionEmbeddings | PreparedBank) -> Scores:
        """Score a batch of images over a bank, prepared or not."""
        bank, parts = _prepared(bank), []
        contexts = read(self.model.decoder, features.tokens, bank.embeddings.tags)
        for chunk in bank.chunks():
            embeddings = chunk.embeddings.widen(features.tokens)
            blended, weights = self.model.reweighting(features.pooled, embeddings)
            fixed = chunk.queries
            queries = self.model.queries(blended) if fixed is None else fixed.expand(len(blended), -1, -1)
            decoder = self.model.head(self.model.decoder(queries, contexts), blended)
            parts.append(Scores(self._terms(decoder, features, chunk, embeddings), weights))
        terms = {name: torch.cat([part.terms[name] for part in parts], dim=1) for name in parts[0].terms}
        return Scores(terms, torch.cat([part.weights for part in parts], dim=1))

    def nearness(self, features: ImageFeatures, bank: DescriptionEmbeddings | PreparedBank) -> torch.Tensor:
        """Order tags without the decoder: (batch, tags), of which only the order has a meaning.

        By the cosine of the pooled token with each tag's blended descriptions, and what an ensemble makes of it.
        """
        parts = []
        for chunk in _prepared(bank).chunks():
            embeddings = chunk.embeddings.widen(features.tokens)
            blended, _ = self.model.reweighting(features.pooled, embeddings)
            cosine = torch.einsum("bd,btd->bt", F.normalize(features.pooled, dim=-1), blended)
            if isinstance(self.model, LiteModel):
                decoder = self.model.ensemble.config.shortlist_lift * cosine
                cosine = total(self._terms(decoder, features, chunk, embeddings))
            parts.append(cosine)
        return torch.cat(parts, dim=1)

    def attention(self, features: ImageFeatures, bank: DescriptionEmbeddings) -> torch.Tensor:
        """Attention (batch, tags, patches + 1) of each tag's query to the pooled token, first, and to every patch."""
        blended, _ = self.model.reweighting(features.pooled, bank.widen(features.tokens))
        return self.model.decoder.attention(self.model.queries(blended), features.tokens)

    def patch_effects(self, features: ImageFeatures, tag: DescriptionEmbeddings) -> torch.Tensor:
        """(patches,) of one image and one tag: the decoder's logit minus that without the patch, for each patch.

        The decoder scores the image once for each patch, whose token it is not given then; the pooled token and the
        blend of descriptions stay. :mod:`ram.regions.occlusion` has finer maps of the whole logit.
        """
        tokens = features.tokens
        others = ~torch.eye(tokens.shape[1], dtype=torch.bool, device=tokens.device)[1:]
        without = tokens.expand(len(others), -1, -1)[others].unflatten(0, (len(others), -1))
        blended, _ = self.model.reweighting(features.pooled, tag.widen(tokens))
        queries = self.model.queries(blended)
        logit = self.model.head(self.model.decoder(queries, tokens), blended)
        blended, queries = (part.expand(len(others), -1, -1) for part in (blended, queries))
        return (logit - self.model.head(self.model.decoder(queries, without), blended))[:, 0]

    def _terms(
        self, decoder: torch.Tensor, features: ImageFeatures, chunk: PreparedBank, embeddings: DescriptionEmbeddings
    ) -> dict[str, torch.Tensor]:
        if not isinstance(self.model, LiteModel):
            return {"decoder": decoder}
        terms = self.model.prepare(embeddings) if chunk.terms is None else chunk.terms
        return self.model.evidence(decoder, features, terms)


def _prepared(bank: DescriptionEmbeddings | PreparedBank) -> PreparedBank:
    return bank if isinstance(bank, PreparedBank) else PreparedBank(bank)
