"""A tagger that answers to the names of the official models."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from ram.errors import InputError
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.tagger import Tagger

SEPARATOR = " | "


class OfficialModel(nn.Module):
    """A tagger with the attributes and methods of the official models.

    A script may replace ``label_embed``, ``tag_list``, ``num_class`` and ``class_threshold`` for an open vocabulary.

    Args:
        tagger: RAM, RAM++ or Tag2Text.

    Attributes:
        label_embed: (num_class * descriptions, dim) embeddings that a script has set; None for the predefined tags.
    """

    def __init__(self, tagger: Tagger) -> None:
        super().__init__()
        self.tagger, self.network = tagger, tagger.model
        vocabulary = tagger.bank.vocabulary
        self.tag_list = np.array(vocabulary.tags)
        self.tag_list_chinese = np.array(vocabulary.translations or [""] * len(vocabulary))
        self.class_threshold = torch.tensor(vocabulary.thresholds)
        self.num_class = len(vocabulary)
        self.label_embed: torch.Tensor | None = None

    def to(self, *where: Any, **more: Any) -> OfficialModel:
        """Move the tagger to a device, in the dtype that it is in."""
        device = torch.device(more.get("device", where[0] if where else self.tagger.device))
        if device != self.tagger.device:
            old = self.tagger
            encoder = partial(getattr, old, "text_encoder")
            self.tagger = Tagger(old.config, old.model, old.bank, encoder, device, old.dtype, old.report)
            self.network = self.tagger.model
        return self

    def generate_tag(self, image: torch.Tensor, *_: Any, **__: Any) -> tuple[list[str], list[str]]:
        """Tags over their thresholds of (batch, 3, size, size) pixels, and their Chinese names, joined by " | "."""
        found = self._present(image)
        return tuple(  # type: ignore[return-value]
            [SEPARATOR.join(names[row].tolist()) for row in found] for names in (self.tag_list, self.tag_list_chinese)
        )

    def generate_tag_openset(self, image: torch.Tensor, *_: Any, **__: Any) -> list[str]:
        """Tags over their thresholds of the vocabulary that a script has set."""
        return [SEPARATOR.join(self.tag_list[row].tolist()) for row in self._present(image)]

    def generate(self, image: torch.Tensor, tag_input: Sequence[str] | None = None, **settings: Any) -> list[str]:
        """A caption of each image, by the given tags or those that are found (Tag2Text)."""
        features = self.tagger.look_at_pixels(image)
        beams = settings.get("num_beams", 3)
        rows = [features.rows(slice(i, i + 1)) for i in range(len(image))]
        given: list[list[str] | None] = [None] * len(rows)
        if tag_input is not None:
            given = [[tag.strip() for tag in text.split("|") if tag.strip()] for text in tag_input]
        return [
            self.tagger.caption_features([row], tags, beams)[0].text for row, tags in zip(rows, given, strict=True)
        ]

    @torch.inference_mode()
    def _present(self, image: torch.Tensor) -> list[np.ndarray]:
        features, bank = self.tagger.look_at_pixels(image), self.tagger.bank
        if self.label_embed is None:
            logits = self.tagger.score_batch(features, bank).logits
        else:
            rows = self.label_embed.detach().to(self.tagger.device, self.tagger.dtype)
            if len(rows) % self.num_class:
                raise InputError(f"label_embed has {len(rows)} rows, which {self.num_class} classes do not divide")
            embedded = DescriptionEmbeddings(rows.unflatten(0, (self.num_class, -1)))
            logits = self.tagger.score_batch(features, embedded).logits
        present = logits.float().sigmoid().cpu() > self.class_threshold.detach().cpu()
        return list(present.numpy())
