"""Predictions and regions as the results of the package supervision.

    import ram, supervision as sv
    from ram.neighbours.supervision_results import classifications, detections
    tagger = ram.load("ram-plus-lite")
    found = classifications(tagger.tag("photo.jpg"))
    boxes = detections(find_regions(tagger, image), image.size)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ram.neighbours.needed import needed
from ram.prediction import Prediction
from ram.regions.region import Region, as_array


def classifications(prediction: Prediction, threshold: float | None = None) -> Any:
    """The tags over their thresholds as ``supervision.Classifications``, most probable first.

    Args:
        prediction: of an image.
        threshold: in place of the tags' own.

    Returns:
        ``class_id`` are positions in ``prediction.vocabulary.tags``, ``confidence`` the probabilities.

    Raises:
        MissingPackageError: supervision is not installed.
    """
    supervision = needed("supervision")
    scores = prediction.above(threshold)
    ids = np.array([prediction.vocabulary.id(score.tag) for score in scores], int)
    return supervision.Classifications(ids, np.array([score.probability for score in scores], np.float32))


def detections(regions: Sequence[Region], size: tuple[int, int], tags: Sequence[str] | None = None) -> Any:
    """Regions as ``supervision.Detections`` in pixels.

    Args:
        regions: of one image.
        size: its width and height.
        tags: the classes that ``class_id`` counts; those of the regions, in order, where None.

    Returns:
        ``xyxy`` in pixels, ``confidence``, ``class_id``, and the names in ``data["class_name"]``.

    Raises:
        MissingPackageError: supervision is not installed.
        ValueError: a region has a tag that is not among ``tags``.
    """
    supervision = needed("supervision")
    names = [region.tag for region in regions]
    order = list(dict.fromkeys(names)) if tags is None else list(tags)
    return supervision.Detections(
        xyxy=as_array(list(regions), *size),
        confidence=np.array([region.probability for region in regions], np.float32),
        class_id=np.array([order.index(name) for name in names], int),
        data={"class_name": np.array(names, dtype=str)},
    )
