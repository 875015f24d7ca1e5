"""Grounding-DINO as a tagger: a tag is as likely as its best box (RAM, Table 5; RAM++, Table 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image

from ram.evaluation.metrics import Floats
from ram.regions.grounding import ask_one_by_one

WEIGHTS = "IDEA-Research/grounding-dino-tiny"


class GroundingTagger:
    """Ask the detector for one tag at a time.

    The score is the highest that any box has for any word of the tag, as the detector itself scores its boxes.

    Args:
        model: ``GroundingDinoForObjectDetection``, on its device.
        processor: of the same weights.
        tags: what to ask for.
        name: for tables.
    """

    probabilities = True

    def __init__(self, model: Any, processor: Any, tags: Sequence[str], name: str = "grounding-dino") -> None:
        self._model, self._processor, self.name, self.tags = model, processor, name, tuple(tags)

    @torch.inference_mode()
    def score(self, picture: Image.Image) -> Floats:
        """Return (tags,) scores of the best boxes."""
        answers = ask_one_by_one(self._model, self._processor, picture, self.tags)
        best = [outputs.logits.float().sigmoid().amax(dim=(1, 2)).double().cpu() for _, outputs in answers]
        return torch.cat(best).numpy()
