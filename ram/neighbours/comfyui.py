"""Nodes for ComfyUI: tags of an image as a prompt, and boxes as a mask.

Write one line into ``custom_nodes/ram_nodes.py`` of ComfyUI, whose Python has this package:

    from ram.neighbours.comfyui import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch

from ram.checkpoints.registry import list_models
from ram.neighbours.chosen_tags import bank_of
from ram.regions.finding import find_regions
from ram.tagger import Tagger
from ram.tagger_loading import load
from ram.text.bank import TagEmbeddingBank
from ram.text.names import parse_categories

_CATEGORY = "image/tagging"
_TYPED = ("STRING", {"default": "", "multiline": True})
_THRESHOLD = ("FLOAT", {"default": 0.0, "min": 0.0, "max": 1.0, "step": 0.01})


class RamTags:
    """Tag an image. A threshold of 0 takes each tag's own; typed categories are scored in place of the tags."""

    CATEGORY = _CATEGORY
    FUNCTION = "tag"
    RETURN_TYPES = ("STRING",)
    RETURN_NAMES = ("tags",)
    OUTPUT_IS_LIST = (True,)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """Inputs as ComfyUI asks for them."""
        return {
            "required": {"image": ("IMAGE",), "model": (list_models(),), "threshold": _THRESHOLD},
            "optional": {"categories": _TYPED, "leave_out": _TYPED},
        }

    def tag(
        self, image: torch.Tensor, model: str, threshold: float, categories: str = "", leave_out: str = ""
    ) -> tuple[list[str]]:
        """Tags of each image of (batch, height, width, 3) in 0..1, as "dog, grass"."""
        tagger = _loaded(model)
        bank, without = _bank(tagger, categories), set(parse_categories(leave_out)) if leave_out.strip() else set()
        texts = []
        for picture in _pictures(image):
            scores = tagger.score(tagger.look(picture), bank).above(threshold or None)
            texts.append(", ".join(score.tag for score in scores if score.tag not in without))
        return (texts,)


class RamMask:
    """Mask the regions of categories, from the tagger's own evidence: rough, but without another model."""

    CATEGORY = _CATEGORY
    FUNCTION = "mask"
    RETURN_TYPES = ("MASK", "STRING")
    RETURN_NAMES = ("mask", "found")
    OUTPUT_IS_LIST = (False, True)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """Inputs as ComfyUI asks for them."""
        return {
            "required": {"image": ("IMAGE",), "model": (list_models(),), "categories": _TYPED, "threshold": _THRESHOLD}
        }

    def mask(
        self, image: torch.Tensor, model: str, categories: str, threshold: float
    ) -> tuple[torch.Tensor, list[str]]:
        """(batch, height, width) of 0 and 1, and the categories found on each image."""
        tagger = _loaded(model)
        bank = _bank(tagger, categories)
        masks, found = torch.zeros(image.shape[:3]), []
        for mask, picture in zip(masks, _pictures(image), strict=True):
            regions = find_regions(tagger, picture, bank, threshold or None)
            for region in regions:
                left, top, right, bottom = (round(side) for side in region.pixels(mask.shape[1], mask.shape[0]))
                mask[top:bottom, left:right] = 1
            found.append(", ".join(dict.fromkeys(region.tag for region in regions)))
        return masks, found


NODE_CLASS_MAPPINGS = {"RamTags": RamTags, "RamMask": RamMask}
NODE_DISPLAY_NAME_MAPPINGS = {"RamTags": "Tag image (RAM)", "RamMask": "Mask categories (RAM)"}


@lru_cache(maxsize=1)
def _loaded(model: str) -> Tagger:
    return load(model)


def _bank(tagger: Tagger, categories: str) -> TagEmbeddingBank:
    """The predefined tags, or those that were typed; one of these that is predefined keeps its threshold."""
    if not categories.strip():
        return tagger.bank
    return bank_of(tagger, parse_categories(categories))


def _pictures(image: torch.Tensor) -> list[np.ndarray]:
    """(batch, height, width, 3) floats in 0..1 as arrays of uint8."""
    return list((image.clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy())
