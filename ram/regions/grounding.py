"""Hand the tags of an image to a detector, and its boxes to a segmenter: labels in, boxes and masks out.

Grounding-DINO, OWLv2 and SAM come with transformers; their weights are fetched from the hub on first use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from PIL import Image

from ram.errors import CheckpointError
from ram.models.transformers_hub import load_from_hub
from ram.regions.region import Box, Region

DETECTOR, SEGMENTER = "IDEA-Research/grounding-dino-tiny", "facebook/sam-vit-base"
"""Models that are taken where none is named."""
TOGETHER = 8
"""Prompts of Grounding-DINO that are answered together."""


class GroundingDetector:
    """Draw boxes for tags with a zero-shot detector of transformers.

    Args:
        model, processor: of transformers: Grounding-DINO, OWLv2 or another one of the task.
        threshold: confidence over which a box is kept.
    """

    def __init__(self, model: Any, processor: Any, threshold: float = 0.25) -> None:
        self.model = model.eval()
        self.processor = processor
        self.threshold = threshold

    @classmethod
    def load(
        cls, name: str = DETECTOR, device: torch.device | str = "cpu", threshold: float = 0.25
    ) -> GroundingDetector:
        """Load a repository of the hub or a folder.

        Raises:
            CheckpointError: it cannot be had, or is no zero-shot detector.
        """
        return cls(*_loaded("AutoModelForZeroShotObjectDetection", name, device), threshold)

    @torch.inference_mode()
    def find(self, image: Image.Image, tags: Sequence[str]) -> list[Region]:
        """Boxes for tags, most confident first.

        Args:
            image: in RGB.
            tags: those that the tagger gave; a text of the detector that names several is the first of them.
        """
        if not tags:
            return []
        inputs = self.processor(images=image, text=[list(tags)], return_tensors="pt").to(self.model.device)
        found = self.processor.post_process_grounded_object_detection(
            self.model(**inputs), threshold=self.threshold, target_sizes=[(1, 1)], text_labels=[list(tags)]
        )[0]
        regions = []
        labels = _labels(found)[: len(found["scores"])]  # one empty text where there is no box
        for score, box, label in zip(found["scores"], found["boxes"], labels, strict=True):
            tag = _tag_of(label, tags)
            left, top, right, bottom = box.clamp(0, 1).tolist()
            if tag is not None and left < right and top < bottom:
                regions.append(Region(tag, float(score), (left, top, right, bottom)))
        return sorted(regions, key=lambda region: -region.probability)


class Segmenter:
    """Cut out the objects in boxes with SAM of transformers.

    Args:
        model, processor: ``SamModel`` and its processor.
    """

    def __init__(self, model: Any, processor: Any) -> None:
        self.model = model.eval()
        self.processor = processor

    @classmethod
    def load(cls, name: str = SEGMENTER, device: torch.device | str = "cpu") -> Segmenter:
        """Load a repository of the hub or a folder.

        Raises:
            CheckpointError: it cannot be had, or is no SAM.
        """
        return cls(*_loaded("SamModel", name, device))

    @torch.inference_mode()
    def masks(self, image: Image.Image, regions: Sequence[Region]) -> np.ndarray:
        """(regions, height, width) of booleans: the object in each box."""
        if not regions:
            return np.zeros((0, image.height, image.width), bool)
        boxes = [[list(region.pixels(*image.size)) for region in regions]]
        inputs = self.processor(image, input_boxes=boxes, return_tensors="pt").to(self.model.device)
        masks = self.model(**inputs, multimask_output=False).pred_masks
        (whole,) = self.processor.image_processor.post_process_masks(
            masks.cpu(), inputs["original_sizes"].cpu(), inputs["reshaped_input_sizes"].cpu()
        )
        return whole[:, 0].numpy()


def box_of_mask(mask: np.ndarray) -> Box | None:
    """The box around a mask (height, width) of booleans; None where it is empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    height, width = mask.shape
    left, top = float(columns[0] / width), float(rows[0] / height)
    return Box(left, top, float((columns[-1] + 1) / width), float((rows[-1] + 1) / height))


def shrunk(segmenter: Segmenter, image: Image.Image, regions: Sequence[Region]) -> list[Region]:
    """Regions with boxes around the objects that a segmenter finds in them; where it finds none, as they are."""
    masks = segmenter.masks(image, regions)
    boxes = [box_of_mask(mask) for mask in masks]
    return [replace(one, box=box) if box else one for one, box in zip(regions, boxes, strict=True)]


def ask_one_by_one(model: Any, processor: Any, image: Image.Image, tags: Sequence[str]) -> Iterator[tuple[Any, Any]]:
    """Ask Grounding-DINO for one tag at a time, as it finds less where a prompt names many (RAM++, appendix B).

    Args:
        model: ``GroundingDinoForObjectDetection``, on its device.
        processor: of the same weights.
        image: in RGB.
        tags: what to ask for.

    Yields:
        Inputs and outputs of the model for :data:`TOGETHER` tags, each in a prompt of its own.
    """
    for start in range(0, len(tags), TOGETHER):
        prompts = [f"{tag.lower()}." for tag in tags[start : start + TOGETHER]]
        inputs = processor(images=[image] * len(prompts), text=prompts, padding=True, return_tensors="pt")
        inputs = inputs.to(model.device)
        yield inputs, model(**inputs)


def _loaded(kind: str, name: str, device: torch.device | str) -> tuple[Any, Any]:
    def refusal(reason: str) -> CheckpointError:
        return CheckpointError(f"{name} cannot be loaded as a {kind} of transformers: {reason}")

    return load_from_hub(kind, name, device, refusal)


def _labels(found: Mapping[str, Any]) -> Sequence[str]:
    """The texts of boxes: Grounding-DINO reads them from its tokens, OWLv2 has them as they were given."""
    return found["text_labels"]


def _tag_of(label: str, tags: Sequence[str]) -> str | None:
    """The tag that a detector's text means: equal, or the first whose words are all in it, or the reverse."""
    words = set(label.casefold().split())
    exact = next((tag for tag in tags if tag.casefold() == label.casefold()), None)
    if exact is not None or not words:
        return exact
    apart = {tag: set(tag.casefold().split()) for tag in tags}
    return next((tag for tag, own in apart.items() if own <= words or words <= own), None)
