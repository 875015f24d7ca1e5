"""Compile the image encoder for the machine it runs on: worth a minute's wait before thousands of images."""

from __future__ import annotations

import contextlib
import threading

import torch

from ram.errors import InputError
from ram.models.image_encoder import ImageEncoder, ImageFeatures


def compile_encoder(encoder: ImageEncoder, pixels: torch.Tensor) -> None:
    """Let ``torch.compile`` make the encoder faster for images of one shape, and run it once, which takes long.

    On a GPU a CUDA graph is replayed, by one thread at a time: it has one set of input and output buffers. On a CPU the
    weights are packed and steps are fused. Images in another shape, or in batches of another size, take the plain
    forward. The weights must not change any more.

    Args:
        encoder: in evaluation mode, on its device and in its dtype.
        pixels: (batch, 3, height, width), any values, on the encoder's device and in its dtype.

    Raises:
        InputError: nothing can be compiled here; the encoder is as it was.
    """
    plain = encoder.forward
    graph = uses_graph(pixels)
    faster = "triton.cudagraphs" if graph else "freezing"
    compiled = torch.compile(plain, options={faster: True}, dynamic=False)
    turn = threading.Lock() if graph else contextlib.nullcontext()

    @torch.inference_mode()
    def forward(seen: torch.Tensor) -> ImageFeatures:
        if seen.shape != pixels.shape:
            return plain(seen)
        with turn:
            features = compiled(seen.clone())  # made in this mode: else it would be compiled once more
            return _copy(features) if graph else features

    try:
        forward(pixels)
    except Exception as error:  # the compiler's backends raise anything
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise InputError(
            f"the image encoder cannot be compiled here ({reason[:200]}): install a C++ compiler, or do not compile"
        ) from None
    encoder.forward = forward  # type: ignore[method-assign, assignment]


def uses_graph(pixels: torch.Tensor) -> bool:
    """Whether the encoder becomes a CUDA graph for these pixels."""
    return pixels.device.type == "cuda"


def _copy(features: ImageFeatures) -> ImageFeatures:
    """Copy the graph's output buffers, which the next replay overwrites, and wait until that is done."""
    copied = features.map(torch.clone)
    if copied.tokens.is_cuda:  # a replay on another stream would not wait for the copy
        torch.cuda.current_stream(copied.tokens.device).synchronize()
    return copied
