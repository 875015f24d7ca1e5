"""The published computation of RAM++ in plain form, as the reference of speed measurements.

float32 throughout, one picture after the other where descriptions are re-weighted, every tag decoded at once, keys,
values and queries projected as the papers write them. It shares its weights with the model it is made from.
"""

from __future__ import annotations

import copy
import math
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import nn

from ram.models.decoder import CrossAttention
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.ram import TaggingModel

_Module = TypeVar("_Module", bound=nn.Module)


class Reference:
    """Args:
    model: an official variant, in float32 and evaluation mode.
    bank: the same number of descriptions for every tag.
    """

    def __init__(self, model: TaggingModel, bank: DescriptionEmbeddings) -> None:
        self.encoder = plain_copy(model.image_encoder)
        for module in self.encoder.modules():
            if hasattr(module, "fused_attn"):  # softmax(q k + bias) v, as published
                module.fused_attn = False
        self.model = model
        self.tags, self.descriptions, _ = bank.embeddings.shape
        self.embeddings = bank.embeddings.flatten(0, 1)

    def look(self, pixels: torch.Tensor) -> torch.Tensor:
        """(batch, 3, height, width) to tokens (batch, patches + 1, dim), the pooled one first."""
        return self.encoder(pixels).tokens

    def reweight(self, pooled: torch.Tensor) -> torch.Tensor:
        """(batch, dim) to (batch, tags, dim): RAM++, section 3.3."""
        scale = self.model.reweighting.log_scale.exp()
        similarity = scale * (pooled / pooled.norm(dim=-1, keepdim=True)) @ self.embeddings.t()
        weights = similarity.view(len(pooled), self.tags, self.descriptions).softmax(dim=2)
        bank = self.embeddings.view(self.tags, self.descriptions, -1)
        blended = torch.empty(len(pooled), self.tags, bank.shape[2])
        for picture, own in enumerate(weights):
            blended[picture] = (own[:, :, None] * bank).sum(dim=1)
        return blended

    def score(self, tokens: torch.Tensor) -> torch.Tensor:
        """(batch, patches + 1, dim) to logits (batch, tags)."""
        queries = F.relu(self.model.queries.project(self.reweight(tokens[:, 0])))
        for block in self.model.decoder.blocks:
            attended = block.cross_norm(attend(block.cross_attention, queries, tokens) + queries)
            queries = block.mlp_norm(block.contract(F.gelu(block.expand(attended))) + attended)
        return (queries @ self.model.head.weight.t() + self.model.head.bias)[..., 0]

    def tag(self, pixels: torch.Tensor) -> torch.Tensor:
        """(batch, 3, height, width) to logits (batch, tags)."""
        return self.score(self.look(pixels))


def plain_copy(module: _Module) -> _Module:
    """Copy a module without its fast twins; the weights are shared."""
    weights = [*module.parameters(), *module.buffers()]
    copied = copy.deepcopy(module, {id(weight): weight for weight in weights})
    for part in copied.modules():
        vars(part).pop("forward", None)
    return copied


def attend(layer: CrossAttention, queries: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """Dense multi-head attention: every head's scores of every query with every token."""
    width = layer.query.out_features // layer.heads
    query, key, value = (
        projected.unflatten(-1, (layer.heads, width)).permute(0, 2, 1, 3)
        for projected in (layer.query(queries), layer.key(tokens), layer.value(tokens))
    )
    weights = (query @ key.transpose(-1, -2) / math.sqrt(width)).softmax(dim=-1)
    return layer.output((weights @ value).permute(0, 2, 1, 3).flatten(2))
