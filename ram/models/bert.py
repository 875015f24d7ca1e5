"""BERT's encoder, the network of the MiniLM text encoder (Devlin et al., 2019, section 3)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from ram.models.decoder import NORM_EPS, AlignmentBlock

_EMBEDDINGS = {"word": "words", "position": "positions", "token_type": "segments"}
"""Kinds of embeddings by their published names, and here."""
_LAYER_PARTS = {
    "attention.self.query": "cross_attention.query",
    "attention.self.key": "cross_attention.key",
    "attention.self.value": "cross_attention.value",
    "attention.output.dense": "cross_attention.output",
    "attention.output.LayerNorm": "cross_norm",
    "intermediate.dense": "expand",
    "output.dense": "contract",
    "output.LayerNorm": "mlp_norm",
}
"""Parts of a layer by their published names, and as this package's decoder names them."""


class BertEncoder(nn.Module):
    """Token ids to states. A layer is a block of the decoder whose context are the states themselves.

    Args:
        vocabulary: number of tokens.
        positions: longest text, in tokens.
        hidden: width of the states.
        heads: attention heads.
        intermediate: width of the feed-forward parts.
        layers: number of layers.
    """

    def __init__(
        self, vocabulary: int, positions: int, hidden: int, heads: int, intermediate: int, layers: int
    ) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, hidden)
        self.positions = nn.Embedding(positions, hidden)
        self.segments = nn.Embedding(2, hidden)
        self.norm = nn.LayerNorm(hidden, eps=NORM_EPS)
        self.layers = nn.ModuleList(AlignmentBlock(hidden, hidden, heads, intermediate, 0.0) for _ in range(layers))

    def load_published(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Take over weights by their published names; the pooling layer is left out.

        Raises:
            RuntimeError: weights are missing, or of another shape.
        """
        names = {f"embeddings.{kind}_embeddings": part for kind, part in _EMBEDDINGS.items()}
        names["embeddings.LayerNorm"] = "norm"
        for index in range(len(self.layers)):
            names |= {f"encoder.layer.{index}.{old}": f"layers.{index}.{new}" for old, new in _LAYER_PARTS.items()}
        parts = ((*name.rpartition("."), weight) for name, weight in weights.items())
        own = {f"{names[part]}.{kind}": weight for part, _, kind, weight in parts if part in names}
        self.load_state_dict(own, assign=True)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(batch, n) ids and their mask, 0 where a text has ended, to (batch, n, hidden)."""
        states = self.words(ids) + self.segments.weight[0] + self.positions.weight[: ids.shape[1]]
        states, seen = self.norm(states), mask.bool()[:, None, None]
        for layer in self.layers:
            assert isinstance(layer, AlignmentBlock)
            states = layer.combine(states, layer.cross_attention(states, states, seen))
        return states
