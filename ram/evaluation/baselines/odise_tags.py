"""ODISE as a tagger: a tag is present where its panoptic segmentation has a segment (RAM++, Table 6).

The package comes from its authors' repository only and needs Detectron2 and a GPU. This adapter follows their
demonstration; it was not run against the package here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from ram.errors import MissingPackageError
from ram.evaluation.metrics import Floats

CONFIG = "Panoptic/odise_label_coco_50e.py"

Segment = Callable[[Image.Image], Sequence[Mapping[str, Any]]]
"""RGB image to its segments; each has "category_id", the index of a tag."""


class SegmentTagger:
    """Tags that have a segment: 1, all others 0; a segmentation gives no probability for a whole image.

    Args:
        segment: the segmentation, over these tags.
        tags: in the order of its categories.
        name: for tables.
    """

    probabilities = False

    def __init__(self, segment: Segment, tags: Sequence[str], name: str = "odise") -> None:
        self._segment, self.tags, self.name = segment, tuple(tags), name

    def score(self, picture: Image.Image) -> Floats:
        """Return (tags,) zeros and ones."""
        scores = np.zeros(len(self.tags))
        for segment in self._segment(picture):
            scores[segment["category_id"]] = 1.0
        return scores


def load_odise(tags: Sequence[str], device: str = "cuda") -> SegmentTagger:
    """ODISE over these tags, with the weights that its package fetches.

    Raises:
        MissingPackageError: ODISE or Detectron2 is not installed.
    """
    try:
        from detectron2.data import MetadataCatalog
        from odise import model_zoo
        from odise.checkpoint import ODISECheckpointer
        from odise.config import instantiate_odise
        from odise.modeling.wrapper import OpenPanopticInference
    except ImportError as error:
        raise MissingPackageError(
            f"ODISE is not installed ({error}): it is on no package index, so install it and Detectron2 from its "
            "authors' repository, NVlabs/ODISE"
        ) from None
    import torch

    config = model_zoo.get_config(CONFIG, trained=True)
    model = instantiate_odise(config.model).to(device).eval()
    ODISECheckpointer(model).load(config.train.init_checkpoint)
    metadata = MetadataCatalog.get("ram_tags_for_odise")
    metadata.stuff_classes, metadata.thing_classes = [], list(tags)
    metadata.thing_dataset_id_to_contiguous_id = {index: index for index in range(len(tags))}
    metadata.stuff_dataset_id_to_contiguous_id = {}
    inference = OpenPanopticInference(
        model=model, labels=[[tag] for tag in tags], metadata=metadata, semantic_on=False, instance_on=False
    )

    def segment(picture: Image.Image) -> Sequence[Mapping[str, Any]]:
        pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1).to(device)
        with torch.inference_mode():
            (found,) = inference([{"image": pixels, "height": picture.height, "width": picture.width}])
        return found["panoptic_seg"][1]

    return SegmentTagger(segment, tags)
