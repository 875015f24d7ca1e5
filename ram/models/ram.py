"""READ THIS FIRST. The network of RAM and RAM++: look at an image once, score it against any bank.

One forward pass is equation 1 of the RAM++ paper,

    output_i = Decoder[{V_1 .. V_k}, sum_j softmax_j(tau * g_v(V_global) . g_w(d_ij)) * d_ij],

in four steps, each in the module of its name: **re-weight** the descriptions d_ij of tag i by the image
(:mod:`ram.models.reweighting`), project the blend to a **query**, let it attend to the image tokens V_1 .. V_k in the
alignment decoder (:mod:`ram.models.decoder`), and turn the result into a logit by the **head**
(:mod:`ram.models.heads`).

RAM is this network with one description per tag: a softmax over one item is 1. Tag2Text replaces queries and head by
learned ones (:mod:`ram.models.tag2text`). Predefined tags, typed categories and, in training, the captions of a batch
are all banks (RAM++, section 3.2).

:mod:`ram.models.lite` adds terms around this network for small models; :mod:`ram.models.fast` computes the same
numbers with less work.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from ram.models.captioner import Captioner
from ram.models.decoder import AlignmentDecoder
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.image_encoder import ImageEncoder, ImageFeatures
from ram.models.reweighting import DescriptionReweighting


class Alignment(NamedTuple):
    """Images against tags.

    Args:
        logits: (batch, tags); a sigmoid turns them into probabilities.
        weights: (batch, tags, descriptions) of the re-weighting.
    """

    logits: torch.Tensor
    weights: torch.Tensor


class TaggingModel(nn.Module):
    """The network of RAM++ (Figure 3 of the paper).

    Args:
        image_encoder: pixels to tokens, the pooled token first.
        reweighting: pooled tokens and a bank to blended embeddings and weights.
        queries: blended embeddings to decoder queries.
        decoder: queries and tokens to one state per tag.
        head: states and blended embeddings to logits.
        captioner: image tokens and tags to a sentence; None for a model without.
    """

    def __init__(
        self,
        image_encoder: ImageEncoder,
        reweighting: DescriptionReweighting,
        queries: nn.Module,
        decoder: AlignmentDecoder,
        head: nn.Module,
        captioner: Captioner | None = None,
    ) -> None:
        super().__init__()
        self.image_encoder = image_encoder
        self.reweighting = reweighting
        self.queries = queries
        self.decoder = decoder
        self.head = head
        self.captioner = captioner

    def look(self, pixels: torch.Tensor) -> ImageFeatures:
        """Run the image encoder, the expensive half, once per image.

        Args:
            pixels: (batch, 3, height, width), normalised.
        """
        return self.image_encoder(pixels)

    def score(self, features: ImageFeatures, bank: DescriptionEmbeddings) -> torch.Tensor:
        """Logits (batch, tags) of every tag of a bank. No tag changes another's score."""
        return self.align(features, bank).logits

    def align(self, features: ImageFeatures, bank: DescriptionEmbeddings) -> Alignment:
        """Logits with the re-weighting behind them (equation 1).

        Args:
            features: of :meth:`look`.
            bank: (tags, descriptions, dim) unit text embeddings.
        """
        blended, weights = self.reweighting(features.pooled, bank.widen(features.tokens))
        return Alignment(self.decode(features, blended), weights)

    def decode(self, features: ImageFeatures, blended: torch.Tensor) -> torch.Tensor:
        """Logits (batch, tags) of blended embeddings (batch, tags, dim)."""
        aligned = self.decoder(self.queries(blended), features.tokens)
        return self.head(aligned, blended)
