"""The text tower of any model of open_clip, named in one line of a model's configuration."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from ram.errors import InputError, TextEncoderError
from ram.models.text_encoder import fingerprint_of, in_batches
from ram.proxies import through_proxy

OPEN_CLIP = "open_clip:"
"""Prefix of the names of open_clip's text encoders."""


class OpenClipTextEncoder:
    """A frozen text tower, such as "open_clip:ViT-B-16-SigLIP2/webli" or "open_clip:MobileCLIP2-S0/dfndr2b".

    The image tower beside it is a timm model, which ``image.backbone`` names: "vit_base_patch16_siglip_224" for
    SigLIP 2, "vit_pe_core_base_patch16_224" for PE-Core, "fastvit_mci0" for MobileCLIP2-S0.

    Args:
        name: "open_clip:ARCHITECTURE/WEIGHTS" in open_clip's names.
        device, dtype: where and how it computes.
        parts: model and tokenizer; those that open_clip makes of the name where None.

    Raises:
        InputError: the name has another form, or open_clip does not know the architecture.
        TextEncoderError: the weights or the tokenizer are neither cached nor can be fetched.
    """

    def __init__(
        self,
        name: str,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        parts: tuple[nn.Module, Callable[[Sequence[str]], torch.Tensor]] | None = None,
    ) -> None:
        self.name = name
        made, self._tokenize = load_text_tower(name) if parts is None else parts
        model: Any = made
        self._device = torch.device(device)
        model.visual = None
        self.fingerprint = fingerprint_of(model)
        self._model = model.eval().requires_grad_(False).to(self._device, dtype)
        self.dim = self._encode([""]).shape[-1]

    @torch.no_grad()
    def encode(self, sentences: Sequence[str]) -> torch.Tensor:
        """(n,) sentences to (n, dim) float32 unit vectors on the CPU."""
        return in_batches(sentences, self._encode, self.dim, len)

    def unknown_words(self, sentence: str) -> tuple[str, ...]:
        """None: these tokenizers spell a word that they do not know in pieces or bytes."""
        return ()

    @torch.no_grad()
    def _encode(self, sentences: list[str]) -> torch.Tensor:
        return self._model.encode_text(self._tokenize(sentences).to(self._device))


def load_text_tower(name: str) -> tuple[nn.Module, Callable[[Sequence[str]], torch.Tensor]]:
    """Make the model and the tokenizer that a name stands for; see :class:`OpenClipTextEncoder`."""
    import ram.models.torchvision_shim  # noqa: F401, I001  (before open_clip)
    import open_clip
    from huggingface_hub import constants

    form = re.fullmatch(rf"{OPEN_CLIP}([^/]+)/(.+)", name)
    if form is None or form[2] not in open_clip.list_pretrained_tags_by_model(form[1]):  # a path would be opened
        raise InputError(
            f"{name!r} names no text tower: write {OPEN_CLIP}ARCHITECTURE/WEIGHTS with a pair of "
            "open_clip.list_pretrained()"
        )
    try:
        return open_clip.create_model(form[1], pretrained=form[2]), open_clip.get_tokenizer(form[1])
    except Exception as error:  # open_clip passes on whatever the hub client raises
        raise TextEncoderError(
            f"the weights {form[2]} of {form[1]} are neither cached nor could they be fetched from the Hugging Face "
            f"hub{through_proxy(constants.ENDPOINT)} ({type(error).__name__}): connect once"
        ) from None
