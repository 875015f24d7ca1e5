"""BLIP as a tagger: image-text contrast (ITC) by its two towers, or image-text matching (ITM) by its fused encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image

from ram.evaluation.baselines.protocol import Sentences
from ram.evaluation.metrics import Floats

WEIGHTS = "Salesforce/blip-itm-base-coco"
TEMPERATURE = 0.07
"""Temperature of the contrastive softmax. BLIP learns it, but transformers does not keep the learned value; this is the
one that its training starts from."""
BATCH = 32


class BlipTowers:
    """The two towers of ``BlipForImageTextRetrieval``.

    Args:
        model: on its device.
        processor: of the same weights.
        name: for tables.
    """

    scale = 1 / TEMPERATURE
    bias: float | None = None

    def __init__(self, model: Any, processor: Any, name: str = "blip-itc") -> None:
        self._model, self._processor, self.name = model, processor, name

    @torch.inference_mode()
    def encode_image(self, picture: Image.Image) -> torch.Tensor:
        """Return the (dim,) unit vector of an RGB image."""
        states = image_states(self._model, self._processor, picture)
        return F.normalize(self._model.vision_proj(states[:, 0]).float(), dim=-1)[0].cpu()

    @torch.inference_mode()
    def encode_texts(self, sentences: Sequence[str]) -> torch.Tensor:
        """Return the (n, dim) unit vectors of sentences."""
        parts = []
        for start in range(0, len(sentences), BATCH):
            tokens = text_tokens(self._model, self._processor, sentences[start : start + BATCH])
            states = self._model.text_encoder(**tokens).last_hidden_state
            parts.append(F.normalize(self._model.text_proj(states[:, 0]).float(), dim=-1).cpu())
        return torch.cat(parts)


class BlipMatcher:
    """Score every sentence against the image by the matching head: one pass of the text encoder for each.

    A tag's score is the mean probability over its sentences.

    Args:
        model: ``BlipForImageTextRetrieval``, on its device.
        processor: of the same weights.
        sentences: prompts of each tag.
        name: for tables.
    """

    probabilities = True

    def __init__(self, model: Any, processor: Any, sentences: Sentences, name: str = "blip-itm") -> None:
        self._model, self.name, self.tags = model, name, tuple(sentences)
        self._processor = processor
        self._counts = [len(of) for of in sentences.values()]
        texts = [text for of in sentences.values() for text in of]
        starts = range(0, len(texts), BATCH)
        self._tokens = [text_tokens(model, processor, texts[start : start + BATCH]) for start in starts]

    @torch.inference_mode()
    def score(self, picture: Image.Image) -> Floats:
        """Return (tags,) probabilities that the sentences match the image."""
        seen = image_states(self._model, self._processor, picture)
        parts = []
        for tokens in self._tokens:
            states = self._model.text_encoder(
                **tokens, encoder_hidden_states=seen.expand(len(tokens["input_ids"]), -1, -1)
            ).last_hidden_state
            parts.append(self._model.itm_head(states[:, 0]).float().softmax(dim=-1)[:, 1].double().cpu())
        return torch.stack([part.mean() for part in torch.cat(parts).split(self._counts)]).numpy()


def image_states(model: Any, processor: Any, picture: Image.Image) -> torch.Tensor:
    """Return the (1, patches + 1, width) states of the image tower, the class token first."""
    pixels = processor(images=picture, return_tensors="pt")["pixel_values"].to(model.device)
    return model.vision_model(pixel_values=pixels).last_hidden_state


def text_tokens(model: Any, processor: Any, sentences: Sequence[str]) -> dict[str, torch.Tensor]:
    """Return token ids and mask, both (n, length), on the model's device."""
    tokens = processor(text=list(sentences), padding=True, return_tensors="pt")
    return {name: tokens[name].to(model.device) for name in ("input_ids", "attention_mask")}
