"""CLIP, SigLIP 2, PE-Core, MobileCLIP2 and any other model of open_clip as two towers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image

from ram.errors import DownloadError, InputError
from ram.proxies import through_proxy
from ram.text.files import package_file, read_table

BATCH = 64


class OpenClipTowers:
    """Both towers of a model of open_clip, with its own preparation of images and texts.

    Args:
        model: of open_clip, on its device.
        prepare: RGB image to (3, size, size) pixels.
        tokenize: sentences to (n, length) token ids.
        name: for tables.
    """

    def __init__(
        self,
        model: Any,
        prepare: Callable[[Image.Image], torch.Tensor],
        tokenize: Callable[[Sequence[str]], torch.Tensor],
        name: str,
    ) -> None:
        self._model = model.eval().requires_grad_(False)
        self._prepare, self._tokenize = prepare, tokenize
        self.name = name
        self.scale = float(self._model.logit_scale.exp())
        bias = getattr(self._model, "logit_bias", None)
        self.bias = None if bias is None else float(bias)

    @torch.inference_mode()
    def encode_image(self, picture: Image.Image) -> torch.Tensor:
        """Return the (dim,) unit vector of an RGB image."""
        pixels = self._prepare(picture)[None].to(self._device)
        return F.normalize(self._model.encode_image(pixels).float(), dim=-1)[0].cpu()

    @torch.inference_mode()
    def encode_texts(self, sentences: Sequence[str]) -> torch.Tensor:
        """Return the (n, dim) unit vectors of sentences."""
        batches = [list(sentences[start : start + BATCH]) for start in range(0, len(sentences), BATCH)]
        encoded = [self._model.encode_text(self._tokenize(batch).to(self._device)) for batch in batches]
        return F.normalize(torch.cat(encoded).float(), dim=-1).cpu()

    @property
    def _device(self) -> torch.device:
        return next(self._model.parameters()).device


def tower_names() -> dict[str, tuple[str, str]]:
    """Return the listed models: name to open_clip's architecture and weights, one line of ``towers.csv`` each."""
    rows = read_table(package_file("evaluation/baselines/towers.csv"), ("name", "architecture", "weights"))
    return {row["name"]: (row["architecture"], row["weights"]) for _, row in rows}


def load_open_clip(name: str, weights: str | None = None, device: torch.device | str = "cpu") -> OpenClipTowers:
    """Load a listed model, or any other one of open_clip.

    Args:
        name: of ``towers.csv``, or an architecture of open_clip such as "ViT-L-14".
        weights: open_clip's name of them, or a file; those of the list where None.
        device: where it runs.

    Raises:
        InputError: open_clip does not know the architecture, or no weights are named.
        DownloadError: the weights are neither here nor can be fetched.
    """
    import ram.models.torchvision_shim  # noqa: F401, I001  (before open_clip)
    import open_clip
    from huggingface_hub import constants

    architecture, listed = tower_names().get(name, (name, None))
    if architecture not in open_clip.list_models():
        raise InputError(f"open_clip has no model {name!r}: choose one of {', '.join(tower_names())}, or its own names")
    weights = weights or listed
    if weights is None:
        raise InputError(f"{name} needs weights: name those of open_clip.list_pretrained(), or a file")
    try:
        model, _, prepare = open_clip.create_model_and_transforms(architecture, pretrained=weights, device=device)
        tokenize = open_clip.get_tokenizer(architecture)
    except Exception as error:  # open_clip passes on whatever the hub client raises
        raise DownloadError(
            f"the weights {weights} of {architecture} are neither here nor could they be fetched from the Hugging Face "
            f"hub{through_proxy(constants.ENDPOINT)} ({type(error).__name__}): connect once, or give a file of them"
        ) from None
    return OpenClipTowers(model, prepare, tokenize, name)
