"""Swin's blocks a part at a time: intermediate results stay small and in a CPU's cache."""

from __future__ import annotations

from types import MethodType
from typing import Any

import torch
from torch import nn

PART_BYTES = 2**23
"""Bytes of attention scores, or of the feed-forward part's wide layer, that are computed at once. For Swin-L at 384
pixels all of them are four times as much, of which timm needs up to three copies."""


def compute_in_parts(backbone: nn.Module) -> None:
    """Let the blocks of a timm Swin work in parts on a CPU, in place; other backbones are left alone."""
    from timm.models.swin_transformer import SwinTransformerBlock

    blocks: list[Any] = [module for module in backbone.modules() if isinstance(module, SwinTransformerBlock)]
    for block in blocks:
        block.attn.forward = MethodType(_attend, block.attn)
        block.mlp.forward = MethodType(_feed_forward, block.mlp)


def _attend(layer: Any, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """Twin of timm's window attention: (batch * windows, tokens, channels), and (windows, tokens, tokens) to add."""
    windows, tokens = (len(x) if mask is None else len(mask)), x.shape[1]
    size = _part(layer.num_heads * tokens**2, x)
    if size >= len(x):
        return type(layer).forward(layer, x, mask)
    parts = [
        type(layer).forward(layer, part, None if mask is None else mask[start : start + size])
        for picture in x.split(windows)
        for start, part in zip(range(0, windows, size), picture.split(size), strict=True)
    ]
    return torch.cat(parts)


def _feed_forward(layer: Any, x: torch.Tensor) -> torch.Tensor:
    """Twin of timm's feed-forward part: (batch, tokens, channels) to (batch, tokens, channels)."""
    parts = x.flatten(0, -2).split(_part(layer.fc1.out_features, x))
    if len(parts) == 1:
        return type(layer).forward(layer, x)
    return torch.cat([type(layer).forward(layer, part) for part in parts]).view_as(x)


def _part(numbers: int, x: torch.Tensor) -> int:
    """Rows computed at once where each needs so many numbers; all of them on a GPU and in training."""
    if x.device.type != "cpu" or torch.is_grad_enabled():
        return x.numel()
    return max(1, PART_BYTES // (numbers * x.itemsize))
