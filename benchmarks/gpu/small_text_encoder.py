"""A CLIP text encoder with one narrow layer: the real one takes long to make where the command is only tried."""

from __future__ import annotations

import torch

from ram.models.text_encoder import ClipTextEncoder


class SmallClipTextEncoder(ClipTextEncoder):
    """Encodes as :class:`ClipTextEncoder` does, with random weights."""

    fingerprint = "small"

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        import ram.models.torchvision_shim  # noqa: F401, I001  (before open_clip)
        import open_clip
        from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

        self.device = device
        self.tokenize = open_clip.get_tokenizer("ViT-B-16-quickgelu")
        model = CLIP(self.dim, CLIPVisionCfg(1, 64, image_size=32), CLIPTextCfg(layers=1, width=64, heads=1))
        model.visual = None
        self.model = model.eval().requires_grad_(False).to(device, dtype)
