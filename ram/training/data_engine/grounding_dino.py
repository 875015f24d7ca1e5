"""Grounding-DINO as a detector of regions, through transformers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image

from ram.errors import DownloadError
from ram.models.transformers_hub import load_from_hub
from ram.regions.grounding import ask_one_by_one
from ram.regions.region import Box


class GroundingDinoDetector:
    """Asks for one tag at a time, as the detector finds less where a prompt names many (RAM++, appendix B).

    Args:
        model: ``GroundingDinoForObjectDetection``, on its device.
        processor: of the same weights.
        name: of the weights.
        score_over: score over which a box is a region.
        most: regions of a tag in an image, the best ones.
    """

    def __init__(self, model: Any, processor: Any, name: str, score_over: float = 0.3, most: int = 5) -> None:
        self.name = name
        self._model, self._processor = model.eval(), processor
        self._score_over, self._most = score_over, most

    @torch.inference_mode()
    def regions(self, picture: Image.Image, tags: Sequence[str]) -> list[tuple[Box, ...]]:
        """Return the boxes of each tag, the best first; none where no box is over the score."""
        found: list[tuple[Box, ...]] = []
        for inputs, outputs in ask_one_by_one(self._model, self._processor, picture, tags):
            results = self._processor.post_process_grounded_object_detection(
                outputs, inputs["input_ids"], threshold=self._score_over
            )
            found += [self._boxes(result["scores"], result["boxes"]) for result in results]
        return found

    def _boxes(self, scores: torch.Tensor, boxes: torch.Tensor) -> tuple[Box, ...]:
        order = scores.argsort(descending=True)[: self._most]
        return tuple(Box(*box) for box in boxes[order].float().clamp(0, 1).cpu().tolist())


def load_grounding_dino(name: str, device: torch.device | str = "cpu") -> GroundingDinoDetector:
    """Load weights from a folder or from the hub.

    Args:
        name: such as "IDEA-Research/grounding-dino-tiny".
        device: where it runs.

    Raises:
        DownloadError: the weights are neither here nor can be fetched, or are of another kind.
    """

    def refusal(reason: str) -> DownloadError:
        return DownloadError(f"{name} cannot be loaded ({reason}): use --detector attention")

    model, processor = load_from_hub("GroundingDinoForObjectDetection", name, device, refusal)
    return GroundingDinoDetector(model, processor, name)
