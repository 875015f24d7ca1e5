"""The image encoder compiled for the machine it runs on: worth a minute's wait where thousands of pictures come."""

from __future__ import annotations

import torch

from ram.models.image_encoder import ImageEncoder, ImageFeatures


def compile_encoder(encoder: ImageEncoder, pixels: torch.Tensor) -> None:
    """Let ``torch.compile`` make the encoder's looks at pictures of one shape faster, and look once, which takes long.

    On a GPU the look is replayed as a CUDA graph; on a CPU the weights are packed and steps are fused. Pictures in
    another shape, or in batches of another size, are looked at as before. The weights must not change any more.

    Args:
        encoder: in evaluation mode, on its device and in its dtype.
        pixels: (batch, 3, height, width), any, where the encoder is and of its dtype.

    Raises:
        ValueError: nothing can be compiled here; the encoder is as it was.
    """
    plain = encoder.forward
    faster = "triton.cudagraphs" if pixels.device.type == "cuda" else "freezing"
    compiled = torch.compile(plain, options={faster: True}, dynamic=False)

    @torch.inference_mode()
    def forward(seen: torch.Tensor) -> ImageFeatures:
        if seen.shape != pixels.shape:
            return plain(seen)
        features = compiled(seen.clone())  # made in this mode: else it would be compiled once more
        return _kept(features) if seen.device.type == "cuda" else features

    try:
        forward(pixels)
    except Exception as error:  # the compiler's backends raise what they please
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ValueError(
            f"the image encoder cannot be compiled here ({reason[:200]}): install a C++ compiler, or do not compile"
        ) from None
    encoder.forward = forward  # type: ignore[method-assign, assignment]


def _kept(features: ImageFeatures) -> ImageFeatures:
    """A copy: the next replay of a CUDA graph writes over what the last one gave."""
    classes = None if features.classes is None else features.classes.clone()
    return ImageFeatures(features.tokens.clone(), classes)
