"""The model for ``AutoModel.from_pretrained(folder, trust_remote_code=True)``; the package ram has to be installed.

This file is copied into a model folder. Weights are read by the package, from safetensors alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import torch
from transformers import PretrainedConfig, PreTrainedModel

import ram
from ram.models.config import ModelConfig


class RamConfig(PretrainedConfig):
    """The content of config.json: see :class:`ram.models.config.ModelConfig`."""

    model_type = "ram"

    def __init__(self, **values: Any) -> None:
        own = {field.name for field in fields(ModelConfig)}
        self.ram = {name: values.pop(name) for name in own & set(values)}
        super().__init__(**values)


class RamModel(PreTrainedModel):
    """A tagger as a model of transformers.

    Attributes:
        tagger: see :class:`ram.tagger.Tagger`; it opens and prepares images.
    """

    config_class = RamConfig
    main_input_name = "pixel_values"

    def __init__(self, config: RamConfig, tagger: ram.Tagger) -> None:
        super().__init__(config)
        self.tagger = tagger
        self.network = tagger.model

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls, name: Any, *_: Any, config: Any = None, revision: str | None = None, **__: Any
    ) -> RamModel:
        """Load a model folder or a repository of the hub."""
        from_hub = revision and revision != "main"
        tagger = ram.load(f"{name}@{revision}" if from_hub else str(name))
        return cls(config or RamConfig(**tagger.config.to_dict()), tagger).eval()

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """(batch, 3, size, size) pixels of ``tagger.transform`` to (batch, tags) logits of the predefined tags."""
        return self.tagger.score_batch(self.tagger.look_at_pixels(pixel_values), self.tagger.bank).logits

    def classify(self, image: Any, candidate_labels: Sequence[str]) -> list[dict[str, Any]]:
        """Score any labels on an image, best first, as the zero-shot pipeline returns them.

        Probabilities of tagging are independent and do not sum to 1.
        """
        prediction = self.tagger.score(self.tagger.look(image), self.tagger.embed(candidate_labels))
        return [{"score": score.probability, "label": score.tag} for score in prediction]
