"""Batch norms folded into the convolutions before them: in evaluation both are linear, so one convolution does both."""

from __future__ import annotations

from types import MethodType
from typing import Any

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights


def fold_norms(backbone: nn.Module) -> None:
    """Let the convolutions of a timm EfficientNet normalise too, in place; other backbones are left alone.

    The folded weights are channels-last, which depthwise convolutions on a CPU are faster in. The weights and
    statistics must not change any more, but they stay what the state dictionary holds.
    """
    from timm.layers import BatchNormAct2d
    from timm.models.efficientnet import EfficientNet

    if not isinstance(backbone, EfficientNet):  # elsewhere a norm may not follow the convolution that stands before it
        return
    for parent in backbone.modules():
        parts: list[Any] = list(parent.children())
        for convolution, norm in zip(parts, parts[1:], strict=False):
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, BatchNormAct2d):
                _fold(convolution, norm)


def _fold(convolution: Any, norm: Any) -> None:
    own = convolution.weight
    parts = (own, convolution.bias, norm.running_mean, norm.running_var, norm.weight, norm.bias)
    wide = torch.promote_types(own.dtype, torch.float32)
    given: list[Any] = [part if part is None else part.detach().to(wide) for part in parts]
    weight, bias, mean, variance, gain, shift = given
    weight, bias = fuse_conv_bn_weights(weight, bias, mean, variance, norm.eps, gain, shift)
    folded = weight.to(own.dtype).contiguous(memory_format=torch.channels_last)
    convolution.register_buffer("folded_weight", folded, persistent=False)
    convolution.register_buffer("folded_bias", bias.to(own.dtype), persistent=False)
    convolution.forward = MethodType(_convolve, convolution)
    norm.forward = MethodType(_activate, norm)


def _convolve(convolution: Any, x: torch.Tensor) -> torch.Tensor:
    """Twin of a convolution and the norm behind it: (batch, channels, height, width)."""
    from timm.layers.conv2d_same import Conv2dSame, conv2d_same

    apply = conv2d_same if isinstance(convolution, Conv2dSame) else nn.functional.conv2d
    folded, shape = (convolution.folded_weight, convolution.folded_bias), (convolution.stride, convolution.padding)
    return apply(x, *folded, *shape, convolution.dilation, convolution.groups)


def _activate(norm: Any, x: torch.Tensor) -> torch.Tensor:
    """Dropout and activation of timm's norm layer; the convolution before it has normalised already."""
    activated: torch.Tensor = norm.act(norm.drop(x))
    return activated
