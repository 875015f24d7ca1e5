"""A causal text transformer over sentences with common beginnings, which are computed once.

A language model's fifty sentences of a category begin with the same few words ("A corgi is a small ..."). Under causal
attention a token's state depends on the tokens before it alone, so the sentences are arranged as a tree of beginnings:
one row of tokens without padding, in which each token attends to the path that leads to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

GROUP = 64
"""Tokens after which the next sentence begins a new tree: attention grows with the square of a tree's tokens."""


@dataclass(frozen=True)
class PrefixTree:
    """Sentences arranged by their beginnings.

    Args:
        tokens: (nodes,) token ids.
        depths: (nodes,) number of tokens before each.
        ends: (sentences,) the node at which each sentence ends, in the given order.
        masks: for each tree, (n, n) booleans: whether a node attends to another.
    """

    tokens: torch.Tensor
    depths: torch.Tensor
    ends: torch.Tensor
    masks: tuple[torch.Tensor, ...]

    @classmethod
    def of(cls, sentences: Sequence[Sequence[int]], group: int = GROUP) -> PrefixTree:
        """Build from token ids with their end token; ValueError where a sentence is empty."""
        if not all(sentences):
            raise ValueError("a sentence has no tokens: give each at least the end token")
        tokens: list[int] = []
        depths: list[int] = []
        ends = [0] * len(sentences)
        groups: list[list[list[int]]] = []
        before: Sequence[int] = ()
        path: list[int] = []
        for i in sorted(range(len(sentences)), key=lambda i: list(sentences[i])):
            sentence = sentences[i]
            if not groups or len(groups[-1]) >= group:
                groups.append([])
                before, first = (), len(tokens)
            shared = _shared(before, sentence)
            path = path[:shared]
            for depth in range(shared, len(sentence)):
                path.append(len(groups[-1]))
                groups[-1].append(path.copy())
                tokens.append(sentence[depth])
                depths.append(depth)
            ends[i], before = first + path[-1], sentence
        masks = tuple(_mask(paths) for paths in groups)
        return cls(torch.tensor(tokens), torch.tensor(depths), torch.tensor(ends), masks)

    def to(self, device: torch.device) -> PrefixTree:
        """The tree on a device."""
        masks = tuple(mask.to(device) for mask in self.masks)
        return PrefixTree(self.tokens.to(device), self.depths.to(device), self.ends.to(device), masks)


def encode_tree(model: Any, tree: PrefixTree) -> torch.Tensor:
    """(sentences, dim) of open_clip's text tower, not normalised.

    Args:
        model: with ``token_embedding``, ``positional_embedding``, ``transformer`` of residual blocks, ``ln_final`` and
            ``text_projection``, as open_clip's CLIP has; frozen, in any dtype.
        tree: on the model's device.
    """
    states = model.token_embedding(tree.tokens) + model.positional_embedding[tree.depths]
    blocks = model.transformer.resblocks
    for block in blocks[:-1]:
        states = _finish(block, states, _attend(block, states, tree))
    mixed = _attend(blocks[-1], states, tree)  # only the ends matter from here
    states = _finish(blocks[-1], states[tree.ends], mixed[tree.ends])
    return model.ln_final(states) @ model.text_projection


def _attend(block: Any, states: torch.Tensor, tree: PrefixTree) -> torch.Tensor:
    """Attention tree by tree, before its output projection: (nodes, width) to (nodes, width)."""
    attention: nn.MultiheadAttention = block.attn
    projected = F.linear(block.ln_1(states), attention.in_proj_weight, attention.in_proj_bias)
    parts = projected.unflatten(-1, (3, attention.num_heads, -1)).permute(1, 2, 0, 3)  # (3, heads, nodes, width)
    sizes = [len(mask) for mask in tree.masks]
    mixed = [
        F.scaled_dot_product_attention(query[None], key[None], value[None], attn_mask=mask)[0]
        for (query, key, value), mask in zip(parts.split(sizes, dim=2), tree.masks, strict=True)
    ]
    return torch.cat(mixed, dim=1).transpose(0, 1).flatten(1)


def _finish(block: Any, states: torch.Tensor, mixed: torch.Tensor) -> torch.Tensor:
    """The rest of a pre-norm block after its attention, for some of its tokens."""
    states = states + block.ls_1(block.attn.out_proj(mixed))
    return states + block.ls_2(block.mlp(block.ln_2(states)))


def _shared(before: Sequence[int], sentence: Sequence[int]) -> int:
    """Number of tokens with which both begin."""
    same = 0
    while same < min(len(before), len(sentence)) and before[same] == sentence[same]:
        same += 1
    return same


def _mask(paths: Sequence[Sequence[int]]) -> torch.Tensor:
    """(nodes, nodes) booleans: each node's path to itself."""
    mask = torch.zeros(len(paths), len(paths), dtype=torch.bool)
    lengths = torch.tensor([len(path) for path in paths])
    mask[torch.arange(len(paths)).repeat_interleave(lengths), torch.tensor(list(chain.from_iterable(paths)))] = True
    return mask
